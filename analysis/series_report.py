"""`report` for a campaign or a series: the same command, whichever the folder holds."""

from argparse import Namespace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from analysis import report, series_page, verdicts
from analysis.charts.style import Rendered
from analysis.series import LoadedSeries, is_series, load_series
from testbed.errors import TestbedError


def report_command(arguments: Namespace, console: Console) -> None:
    """Write the report of a campaign, or of a series and each of its campaigns; print its tables.

    Raises TestbedError.
    """
    if not is_series(arguments.folder):
        report.report_command(arguments, console)
        return
    loaded = load_series(arguments.folder)
    out = arguments.out or arguments.folder / "report"
    try:
        write(loaded, out)
    except OSError as error:
        raise TestbedError(
            f"{error.filename or out}: cannot be written: {error.strerror}",
            remedy="name another folder with --out",
        ) from error
    verdicts.print_verdicts(loaded, console)
    console.print(Text(f"\nReport: {out / 'index.html'}"), soft_wrap=True)


def write(loaded: LoadedSeries, out: Path) -> None:
    """Write index.html and verdicts.json, and each campaign's own report in a folder below.

    The same series gives the same bytes. Raises OSError if `out` cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    charts: dict[str, dict[str, list[Rendered]]] = {}
    for part in loaded.parts:
        if part.campaign is not None:
            charts[part.about.campaign] = report.write(part.campaign, out / part.about.campaign)
    links = {name: f"{name}/index.html" for name in charts}
    page = series_page.page(loaded, charts, links)
    (out / "index.html").write_text(page, encoding="utf-8")
    (out / "verdicts.json").write_text(verdicts.as_json(loaded) + "\n", encoding="utf-8")
