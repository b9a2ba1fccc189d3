"""Run `question`: print the answers, draw a chart of each endpoint, and write the page."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis import capacities, gave_out
from analysis.charts import fonts, sweep
from analysis.charts.style import RC, Rendered, generator_of, noted, render
from analysis.compare.cells import CAPACITY
from analysis.evidence import QUESTION_FOLDER
from analysis.figures import Figure
from analysis.folders import lacks, load_one
from analysis.load import LoadedCampaign
from analysis.question import page
from analysis.question.answers import Answers, Compared, answer
from analysis.question.cells import CPU, FIGURES, MEMORY, Cell
from analysis.question.words import SHOWN, sentences
from analysis.ratio import finite
from analysis.text_table import text_table
from testbed import files
from testbed.errors import Exit
from testbed.texts import shown_name

TITLES = {
    CAPACITY.key: "capacity, answers/s",
    CPU.key: "CPU time per answer, ms",
    MEMORY.key: "memory at its peak, MB",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `question`."""
    parser.add_argument("folder", type=files.named, help="folder that fab run-question wrote")
    parser.add_argument("--json", action="store_true", help="as JSON, for other programs")
    parser.add_argument(
        "--out", type=files.named, metavar="DIR",
        help="where to write the page and its charts (default: question/ in the folder)",
    )  # fmt: skip


def command(arguments: Namespace, console: Console) -> int:
    """Print the answers, write the page and its charts, and return the exit code.

    Raises TestbedError.
    """
    campaign = load_one(arguments.folder)
    found = answer(campaign)
    out = arguments.out or arguments.folder / QUESTION_FOLDER
    with files.written_to(out):
        written = write(campaign, found, out)
    if arguments.json:
        console.print(Text(json.dumps(document(campaign, found), indent=2)), soft_wrap=True)
    else:
        show(campaign, found, console)
        console.print(Text(f"page: {shown_name(written)}"), soft_wrap=True)
    return 0 if found.told else Exit.NOT_VALID


def show(campaign: LoadedCampaign, found: Answers, console: Console) -> None:
    """Print the answers of each endpoint, a table of figures, and what limits them."""
    console.print(Text(found.plan.title, style="bold"), soft_wrap=True)
    if lacking := lacks(campaign):
        console.print(Text(f"The campaign is not complete: {lacking}."))
    for endpoint in found.endpoints:
        console.print(Text(f"\n{endpoint}", style="bold"))
        for sentence in sentences(found, endpoint):
            console.print(Text(sentence.text), soft_wrap=True)
        console.print(_table(found, endpoint))
    console.print(Text(f"Objective: {capacities.objective(campaign)}."), soft_wrap=True)
    for remark in found.remarks:
        console.print(Text(remark), soft_wrap=True)


def _table(found: Answers, endpoint: str) -> Table:
    table = text_table()
    for title in ("Stack", found.plan.swept, "Settings"):
        table.add_column(title)
    for title in ("Capacity/s", "95 % interval", "CPU ms/answer", "MB at peak", "Trials"):
        table.add_column(title, justify="right")
    table.add_column(gave_out.TITLE)
    for cell in page.cells(found, endpoint):
        table.add_row(
            *map(
                Text,
                (
                    cell.title, cell.point, cell.settings, cell.capacity, cell.interval, cell.cpu,
                    cell.memory, cell.trials, cell.gave_out,
                ),
            )
        )  # fmt: skip
    return table


def write(campaign: LoadedCampaign, found: Answers, out: Path) -> Path:
    """Write the page, its charts and the answers as JSON. Return the page's path.

    The same campaign gives the same bytes. Raises OSError if `out` cannot be written.
    """
    drawn = charts(campaign, found)
    (out / "charts").mkdir(parents=True, exist_ok=True)
    for chart in drawn.values():
        (out / "charts" / f"{chart.name}.svg").write_bytes(chart.svg)
        (out / "charts" / f"{chart.name}.png").write_bytes(chart.png)
    text = json.dumps(document(campaign, found), indent=1, ensure_ascii=False)
    (out / "answers.json").write_text(text + "\n", encoding="utf-8")
    (out / "index.html").write_text(page.page(campaign, found, drawn), encoding="utf-8")
    return out / "index.html"


def charts(campaign: LoadedCampaign, found: Answers) -> dict[str, Rendered]:
    """Return the chart of each endpoint of which any capacity is known."""
    plan = found.plan
    titles = fonts.of_titles({plan.title: plan.name} | {one.title: one.name for one in plan.stacks})
    generators = ", ".join(sorted({generator_of(run.record) for run in campaign.runs}))
    drawn = {}
    for endpoint in found.endpoints:
        cells = [cell for cell in found.cells if cell.endpoint == endpoint]
        panels = [
            sweep.Panel(TITLES[figure.key], _lines(found, endpoint, figure, titles))
            for figure in (CAPACITY, CPU)
            if any(cell.value(figure) for cell in cells)
        ]
        if not panels:
            continue
        with matplotlib.rc_context(RC | {"font.family": titles.families}):
            chart = sweep.draw(
                f"{endpoint}-question",
                f"{titles.told(plan.title)} ({endpoint})",
                campaign,
                generators,
                panels,
                plan.points,
                page.swept_text(plan),
            )
            drawn[endpoint] = render(noted(chart, titles.note))
    return drawn


def _lines(found: Answers, endpoint: str, figure: Figure, titles: fonts.Titles) -> list[sweep.Line]:
    lines = []
    for stack in found.plan.stacks:
        cells = [found.cell(endpoint, stack.name, point) for point in found.plan.points]
        lines.append(
            sweep.Line(
                titles.told(stack.title),
                stack.app,
                [cell.value(figure) for cell in cells],
                [cell.interval(figure) for cell in cells],
            )
        )
    return lines


def document(campaign: LoadedCampaign, found: Answers) -> dict[str, Any]:
    """Return all of it for JSON. An open end of an interval is None."""
    return {
        "schema_version": 1,
        "campaign": campaign.campaign.campaign,
        "question": found.plan.model_dump(mode="json"),
        "complete": lacks(campaign) is None,
        "objective": capacities.objective(campaign),
        "answers": {
            endpoint: [vars(one) for one in sentences(found, endpoint)]
            for endpoint in found.endpoints
        },
        "cells": [_cell(cell) for cell in found.cells],
        "compared": [
            {
                "endpoint": pairing.endpoint,
                "figure": pairing.figure.key,
                "of": pairing.of,
                "to": pairing.to,
                "points": [_compared(one) for one in pairing.compared],
                "crossover": pairing.crossing and vars(pairing.crossing),
                "overall": pairing.overall
                and {
                    "verdict": SHOWN[pairing.overall.verdict],
                    "ratio": pairing.overall.ratio.document(),
                },
            }
            for pairing in found.pairings
        ],
        "steps": [
            {
                "endpoint": one.endpoint,
                "figure": one.figure.key,
                "stack": one.stack,
                "points": [_compared(each) for each in one.compared],
            }
            for one in found.steps
        ],
        "remarks": found.remarks,
    }


def _compared(one: Compared) -> dict[str, Any]:
    return {
        "of": one.of.point,
        "to": one.to.point,
        "verdict": SHOWN[one.verdict],
        "ratio": one.ratio and one.ratio.document(),
    }


def _cell(cell: Cell) -> dict[str, Any]:
    found: dict[str, Any] = {
        "endpoint": cell.endpoint, "stack": cell.stack, "point": cell.point,
        "gave_out": cell.gave_out or None,
    }  # fmt: skip
    for figure in FIGURES:
        ends = cell.interval(figure)
        trials: Sequence[float | None] = [finite(span.value) for span in cell.trials(figure).spans]
        found[figure.key] = {
            "value": finite(cell.value(figure)),
            "low": ends and finite(ends[0]),
            "high": ends and finite(ends[1]),
            "trials": trials,
        }
    return found
