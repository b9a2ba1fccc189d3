"""Run `export`: write tidy tables of campaigns as CSV or Parquet."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.text import Text

from analysis import tables
from analysis.export.frames import frame
from analysis.export.rows import TABLES
from analysis.folders import load_one
from analysis.load import LoadedCampaign
from testbed import files
from testbed.errors import Exit, TestbedError
from testbed.texts import shown_name


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `export`."""
    parser.add_argument(
        "folders", type=files.named, nargs="+", metavar="results/CAMPAIGN",
        help="folders of campaigns; several go into the same tables",
    )  # fmt: skip
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--csv", dest="kind", action="store_const", const="csv", help="write CSV")
    kind.add_argument(
        "--parquet", dest="kind", action="store_const", const="parquet",
        help="write Parquet, which needs pyarrow",
    )  # fmt: skip
    parser.add_argument(
        "--table", action="append", choices=TABLES, default=[],
        help="a table to write, may be repeated (default: all that have rows)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=files.named, metavar="DIR",
        help="where to write (default: export/ in the first folder)",
    )  # fmt: skip


def command(arguments: Namespace, console: Console) -> None:
    """Write the tables, and print each file's name and number of rows. Raises TestbedError."""
    campaigns = [load_one(folder) for folder in arguments.folders]
    out = arguments.out or arguments.folders[0] / "export"
    for path, rows in export(campaigns, out, arguments.kind, arguments.table).items():
        console.print(Text(f"{shown_name(path)}: {rows:,} rows"), soft_wrap=True)


def export(
    campaigns: Iterable[LoadedCampaign], out: Path, kind: str, names: Iterable[str] = ()
) -> dict[Path, int]:
    """Write tables as `kind`, csv or parquet, and return the number of rows of each file.

    Without names, write every table that has rows. Raises TestbedError if Parquet cannot be
    written, and OSError if `out` cannot.
    """
    if kind == "parquet" and find_spec("pyarrow") is None:
        raise TestbedError(
            "Parquet is written by pyarrow, which is not installed",
            remedy="pip install 'pyarrow>=18', or take --csv",
            exit_code=Exit.NOT_READY,
        )
    campaigns, names = list(campaigns), list(names)
    out.mkdir(parents=True, exist_ok=True)
    written = {}
    for name in names or TABLES:
        made = frame(name, campaigns)
        if made.empty and not names:
            continue
        path = out / f"{name}.{kind}"
        if kind == "csv":
            path.write_text(tables.csv(made), encoding="utf-8")
        else:
            made.to_parquet(path, engine="pyarrow", index=False)
        written[path] = len(made)
    return written
