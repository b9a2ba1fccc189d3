"""Run `report` and `table`: write the report of a results folder and print its tables."""

import io
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from analysis import answers, capacities, charts, evidence, html, mixes, tables
from analysis.charts.style import Rendered
from analysis.folders import load_one
from analysis.load import LoadedCampaign
from analysis.text_table import TEXT_WIDTH
from analysis.why.section import section
from testbed import files
from testbed.texts import shown_name


def add_table_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `table`."""
    parser.add_argument(
        "folder", type=files.named, metavar="results/CAMPAIGN", help="a campaign's folder"
    )


def add_report_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `report`."""
    add_table_arguments(parser)
    parser.add_argument(
        "--out",
        type=files.named,
        metavar="DIR",
        help="where to write (default: report/ in the folder)",
    )


def table_command(arguments: Namespace, console: Console) -> None:
    """Print the result table of a campaign. Raises TestbedError if it cannot be read."""
    tables.print_table(load_one(arguments.folder), console)


def report_command(arguments: Namespace, console: Console) -> None:
    """Write the report of a campaign and print its table.

    Raises TestbedError if the campaign cannot be read or the report cannot be written.
    """
    campaign = load_one(arguments.folder)
    found = answers.answers(campaign)
    save(
        arguments,
        console,
        write=lambda out: write(campaign, out, found),
        show=lambda: show(campaign, found, console),
    )


def show(campaign: LoadedCampaign, found: Sequence[answers.Answer], console: Console) -> None:
    """Print the tables of a campaign and, last, who is ahead."""
    tables.print_table(campaign, console)
    if sure := answers.ramp_how_sure(campaign):
        console.print(Text(f"\nHow sure? {sure}"), soft_wrap=True)
    for one in found:
        name = f"{one.endpoint}, {one.load}" if one.load else one.endpoint
        console.print(Text(f"\n{name}: {one.sentence}", style="bold"), soft_wrap=True)
        if one.how_sure:
            console.print(Text(f"How sure? {one.how_sure}"), soft_wrap=True)


def save(
    arguments: Namespace,
    console: Console,
    *,
    write: Callable[[Path], object],
    show: Callable[[], None],
) -> None:
    """Write a report to the folder that the user wants, show it, and print where its page is.

    Raises TestbedError if the report cannot be written.
    """
    out = arguments.out or arguments.folder / "report"
    with files.written_to(out):
        write(out)
    show()
    console.print(Text(f"\nReport: {shown_name(out / 'index.html')}"), soft_wrap=True)


def write(
    campaign: LoadedCampaign, out: Path, found: list[answers.Answer] | None = None
) -> dict[str, list[Rendered]]:
    """Write index.html, table.csv, table.txt and charts/ into `out`.

    summary.csv, capacities.csv and parts.csv are written only if they have rows. The same results
    folder gives the same bytes. `found` are the campaign's answers, if they are known already.
    Returns each endpoint's charts. Raises OSError if `out` cannot be written.
    """
    chart_folder = out / "charts"
    chart_folder.mkdir(parents=True, exist_ok=True)
    found = answers.answers(campaign) if found is None else found
    by_endpoint = dict(charts.endpoint_charts(campaign, answers.places(found)))
    for drawn in by_endpoint.values():
        for chart in drawn:
            write_chart(chart, chart_folder)
    (out / "table.csv").write_text(tables.csv(tables.runs_frame(campaign)), encoding="utf-8")
    if tables.several_trials(campaign):
        (out / "summary.csv").write_text(
            tables.csv(tables.summary_frame(campaign)), encoding="utf-8"
        )
    if campaign.campaign.capacities:
        searched = tables.csv(capacities.frame(campaign))
        (out / "capacities.csv").write_text(searched, encoding="utf-8")
    if mixes.mixes(campaign):
        (out / "parts.csv").write_text(tables.csv(mixes.frame(campaign)), encoding="utf-8")
    (out / "table.txt").write_text(table_text(campaign), encoding="utf-8")
    why = section(campaign)
    for part in why.parts if why else ():
        if part.chart:
            write_chart(part.chart, chart_folder)
    page = html.page(
        campaign,
        by_endpoint,
        evidence.of_campaign(campaign, out),
        why,
        evidence.question_page(campaign, out),
        found,
    )
    (out / "index.html").write_text(page, encoding="utf-8")
    return by_endpoint


def table_text(campaign: LoadedCampaign) -> str:
    """Return the result table as plain text of a fixed width."""
    buffer = io.StringIO()
    console = Console(
        file=buffer, width=TEXT_WIDTH, color_system=None, force_terminal=False,
        legacy_windows=False, _environ={},
    )  # fmt: skip
    tables.print_table(campaign, console)
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def write_chart(chart: Rendered, folder: Path) -> None:
    """Write a chart as SVG and as PNG."""
    (folder / f"{chart.name}.svg").write_bytes(chart.svg)
    (folder / f"{chart.name}.png").write_bytes(chart.png)
