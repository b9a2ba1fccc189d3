"""Run `bundle`: pack a campaign into one archive that others can check and repeat."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from analysis.folders import lacks, load_one
from testbed import archive, files
from testbed.errors import TestbedError
from testbed.numbers import size
from testbed.texts import masked, shown_name

APPS = "apps"  # in the folder of two versions of an app: all that was deployed
LARGEST_BYTES = 1 << 20  # of a file in which passwords are looked for
MOST_NAMED = 3


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `bundle`."""
    parser.add_argument(
        "folder", type=files.named, metavar="results/CAMPAIGN", help="a campaign's folder"
    )
    parser.add_argument(
        "--out", type=files.named, metavar="FILE",
        help=f"the archive (default: the folder's name and {archive.ENDING}, beside it)",
    )  # fmt: skip


def command(arguments: Namespace, console: Console) -> None:
    """Write the archive, and print its name, its size and what is missing or should not be in it.

    Raises TestbedError.
    """
    out, count = bundle(arguments.folder, arguments.out)
    missing = lacks(load_one(arguments.folder))
    console.print(Text(f"{shown_name(out)}: {count:,} files, {size(out.stat().st_size)}"))
    if missing:
        console.print(Text(f"The campaign is not complete: {missing}.", style="yellow"))
    if named := with_passwords(arguments.folder):
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        told = ", ".join(map(shown_name, named[:MOST_NAMED]))
        said = f"Whoever gets the archive can read the URLs with user or password in {told}{more}."
        console.print(Text(said, style="yellow"), soft_wrap=True)


def with_passwords(folder: Path) -> list[Path]:
    """Return the deployed files, kept with two versions of an app, in which a URL has a user."""
    files = (path for path in sorted((folder / APPS).rglob("*")) if path.is_file())
    texts = (
        (path, path.read_text(encoding="utf-8", errors="replace"))
        for path in files
        if path.stat().st_size <= LARGEST_BYTES
    )
    return [path.relative_to(folder) for path, text in texts if masked(text) != text]


def bundle(folder: Path, out: Path | None = None) -> tuple[Path, int]:
    """Write the archive of a campaign, and return its path and its number of files.

    Raises TestbedError if there is no campaign, or if a file of a run was edited after the run:
    an archive is evidence.
    """
    loaded = load_one(folder)
    if edited := [sentence for run in loaded.runs for sentence in run.edited]:
        raise TestbedError(
            f"{shown_name(folder)}: {edited[0]}",
            remedy="restore what was there; an archive holds only what was measured",
        )
    real = folder.resolve()
    out = real.with_name(f"{real.name}{archive.ENDING}") if out is None else out
    return out, len(archive.pack(real, loaded.campaign, out).files)
