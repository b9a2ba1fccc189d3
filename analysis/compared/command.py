"""Run `compare`: judge campaigns against a baseline, and write that in the form asked for."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from string import ascii_uppercase

from rich.console import Console
from rich.text import Text

from analysis.compare import show, versions
from analysis.compare.cells import COMPARABLE
from analysis.compare.noise import measured, said
from analysis.compare.rule import (
    DEFAULT_KEYS,
    DEFAULT_TOLERANCE_PERCENT,
    WANTED_BEYOND_PERCENT,
    Comparison,
    Side,
    check,
    compare_all,
)  # fmt: skip
from analysis.compared import documents, junit, markdown, page
from analysis.folders import load_one
from analysis.load import LoadedCampaign
from testbed import files
from testbed.arguments import Arguments, number
from testbed.errors import Exit, TestbedError
from testbed.texts import shown_name

TABLE = "table"
# What writes each form; the table is printed by itself, as it has colours
FORMS: dict[str, Callable[[Sequence[Comparison]], str]] = {
    "html": page.page,
    "markdown": markdown.text,
    "junit": junit.document,
    "json": documents.as_json,
    "github-bigger": partial(documents.for_github, bigger=True),
    "github-smaller": partial(documents.for_github, bigger=False),
    "bencher": documents.for_bencher,
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `compare`."""
    parser.add_argument(
        "campaigns", type=files.named, metavar="CAMPAIGN", nargs="+",
        help="folders of campaigns: the first is the baseline, and each other one is judged; or "
        "one folder, of two versions of an app, whose new one is judged",
    )  # fmt: skip
    parser.add_argument(
        "--baseline", type=files.named, metavar="CAMPAIGN",
        help="the campaign to compare with, instead of the first",
    )  # fmt: skip
    parser.add_argument(
        "--metric", action="append", default=[], metavar="KEY",
        help=f"figure to compare, may be repeated; one of {', '.join(COMPARABLE)} "
        f"(default: {' and '.join(DEFAULT_KEYS)}; for capacity searches capacity_rps)",
    )  # fmt: skip
    parser.add_argument(
        "--tolerance", type=number, default=DEFAULT_TOLERANCE_PERCENT, metavar="PERCENT",
        help=f"difference up to which both are the same (default: {DEFAULT_TOLERANCE_PERCENT:g})",
    )  # fmt: skip
    parser.add_argument(
        "--between", type=number, metavar="PERCENT",
        help="standard deviation of campaigns that measure the same, instead of what fab run-aa "
        "measured; 0 claims that nothing ever changes between campaigns",
    )  # fmt: skip
    parser.add_argument(
        "--wanted", type=number, metavar="PERCENT",
        help="a difference that you want to be shown: says how many trials that takes (default: "
        f"{WANTED_BEYOND_PERCENT:g} more than the tolerance)",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=[TABLE, *FORMS], default=TABLE,
        help="how to write it (default: table); github-* and bencher are what benchmark trackers "
        "read",
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_const", dest="format", const="json", help="as --format=json"
    )
    parser.add_argument(
        "--out", type=lambda text: None if text == "-" else files.named(text), metavar="FILE",
        help="write it into a file, print the tally; '-' is standard output, as without this",
    )  # fmt: skip
    parser.add_argument(
        "--packages", action="store_true", help="in the table: list all packages that differ"
    )


def command(arguments: Namespace, console: Console) -> int:
    """Print or write the comparison and return its exit code. Raises TestbedError."""
    a, others = sides(arguments.campaigns, arguments.baseline, arguments.between)
    found = compare_all(a, others, arguments.metric, arguments.tolerance, arguments.wanted)
    if arguments.format == TABLE:
        if arguments.out is not None:
            raise TestbedError(
                "--out is for a form that other programs read", remedy="add --format=html"
            )
        show.show(found, console, packages=arguments.packages)
        return exit_code(found)
    text = FORMS[arguments.format](found)
    if arguments.out is None:
        console.print(Text(text), soft_wrap=True)
    else:
        arguments.out.write_text(f"{text.rstrip()}\n", encoding="utf-8")
        for one in found:
            console.print(Text(show.tally(one)))
        console.print(Text(f"Written: {shown_name(arguments.out)}"), soft_wrap=True)
    return exit_code(found)


def check_options(given: list[str]) -> None:
    """Raise TestbedError for options that `compare` would refuse, before there are results."""
    parser = Arguments(prog="compare")
    add_arguments(parser)
    arguments = parser.read([".", *given])
    check(arguments.metric, arguments.tolerance, arguments.wanted)


def sides(
    folders: Sequence[Path], baseline: Path | None, between_percent: float | None
) -> tuple[LoadedCampaign, list[Side]]:
    """Return the baseline, and each campaign to judge, with the noise between it and the baseline.

    Raises TestbedError if one cannot be read, or if there is only one and it has no two versions.
    """
    first = folders[0] if baseline is None else baseline
    rest = [one for one in folders if one.resolve() != first.resolve()]
    if baseline is None:
        rest = list(folders[1:])  # a campaign may be compared with itself
    if not rest:
        if between_percent is not None:
            raise TestbedError(
                "--between is for two campaigns; two versions in one campaign were measured in turn"
            )
        a, b = versions.sides(load_one(first))
        return a, [Side("B", b, None)]
    a = load_one(first)
    found = []
    for label, folder in zip(labels(), rest, strict=False):
        b = load_one(folder)
        if between_percent is not None:
            noise = said(between_percent)
        else:
            noise = measured([a.folder, b.folder], a.campaign, b.campaign)
        found.append(Side(label, b, noise))
    return a, found


def labels() -> Iterator[str]:
    """Yield B to Z, then AA, AB and so on: what campaigns are called beside the baseline, A."""
    yield from ascii_uppercase[1:]
    length = 2
    while True:
        yield from map("".join, product(ascii_uppercase, repeat=length))
        length += 1


def exit_code(found: Sequence[Comparison]) -> int:
    """Return WORSE if any cell is worse, NOT_VALID if no cell can be judged, and 0 otherwise.

    A cell with one trial on a side cannot be judged.
    """
    if any(one.verdicts["worse"] for one in found):
        return Exit.WORSE
    judged = any(cell.chance is not None for one in found for cell in one.cells)
    return 0 if judged else Exit.NOT_VALID
