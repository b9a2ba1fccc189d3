"""Run `report` on a folder, which may hold one campaign or a series of campaigns."""

from argparse import Namespace
from pathlib import Path

from rich.console import Console

from analysis import report
from analysis.articles import charts as series_charts
from analysis.articles import page, verdicts
from analysis.articles.series import LoadedSeries, load_series
from analysis.charts.style import Rendered
from analysis.folders import is_series


def report_command(arguments: Namespace, console: Console) -> None:
    """Write the report of a campaign, or of a series and all its campaigns, and print its tables.

    Raises TestbedError if the folder cannot be read or the report cannot be written.
    """
    if not is_series(arguments.folder):
        report.report_command(arguments, console)
        return
    loaded = load_series(arguments.folder)
    report.save(
        arguments,
        console,
        write=lambda out: write(loaded, out),
        show=lambda: verdicts.print_verdicts(loaded, console),
    )


def write(loaded: LoadedSeries, out: Path) -> None:
    """Write index.html, verdicts.json, charts/, and each campaign's own report in a folder below.

    The same series gives the same bytes. Raises OSError if `out` cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    charts: dict[str, dict[str, list[Rendered]]] = {}
    for part in loaded.parts:
        if part.campaign is not None:
            charts[part.about.campaign] = report.write(part.campaign, out / part.about.campaign)
    links = {name: f"{name}/index.html" for name in charts}
    against_published = series_charts.charts(loaded)
    if against_published:
        (out / "charts").mkdir(exist_ok=True)
    for chart in against_published:
        report.write_chart(chart, out / "charts")
    html = page.page(loaded, charts, links, against_published)
    (out / "index.html").write_text(html, encoding="utf-8")
    (out / "verdicts.json").write_text(verdicts.as_json(loaded) + "\n", encoding="utf-8")
