"""Draw one run over time: rates, response time and both hosts' CPU under one another."""

import re
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from analysis.axis import seconds
from analysis.charts.style import (
    GRID,
    INK,
    LINE_STYLES,
    QUIET,
    Chart,
    Frame,
    colours,
    frame,
    generator_of,
    plain_axis,
    wide,
)  # fmt: skip
from analysis.groups import label
from analysis.load import LoadedCampaign, LoadedRun
from testbed.model.kinds import HostRole

HEIGHTS = [1.2, 1.0, 1.0]
GAP = 0.4
LEFT = 0.62
NOT_RECORDED = "not recorded"
FAILURES = "#b00020"
CLIENT = "#8a5300"
CORE = re.compile(r"cpu\d+_percent")


@dataclass(frozen=True)
class Line:
    """One curve of a panel: x in seconds since the measured part began."""

    text: str
    x: pd.Series
    y: pd.Series
    colour: str
    style: object = "-"
    width: float = 1.3
    filled: bool = False


def draw(campaign: LoadedCampaign, run: LoadedRun) -> Chart | None:
    """Draw the chart of one run; return None where it has neither a timeline nor telemetry."""
    if run.timeline is None and not run.telemetry:
        return None
    record = run.record
    name = label(record)
    word = record.standing
    mark = "" if word == "valid" else f" ({word})"
    picture = frame(
        f"{name}, {record.endpoint}, trial {record.trial}{mark}",
        f"run {record.run_id}",
        campaign,
        generator_of(record),
        heights=HEIGHTS,
        gap=GAP,
        left=LEFT,
        key_lines=1,
    )
    colour = colours(campaign)[record.app]
    _panel(picture, 0, "requests per second", _rates(run, colour))
    _panel(picture, 1, "response time, ms", _times(run, colour), may_be_log=True)
    _panel(picture, 2, "CPU, %", _cpu(campaign, run, colour), highest=100)
    _share_x(picture, run)
    return Chart(
        name=f"timeline-{record.run_id}",
        title=f"{name}, {record.endpoint}, trial {record.trial}, over time",
        caption=f"Run {record.run_id}, second by second.",
        alt=f"Line charts of run {record.run_id} over time: {_alt(run)}.",
        figure=picture.figure,
    )


def _rates(run: LoadedRun, colour: str) -> list[Line]:
    looks = (
        Look("ok", "correct", colour, filled=True),
        Look("completed", "answered", colour),
        Look("due", "due", INK, style=LINE_STYLES[1], width=1.0),
        Look("errors", "errors", FAILURES),
    )
    return _of_timeline(run, looks)


def _times(run: LoadedRun, colour: str) -> list[Line]:
    looks = (
        Look("response_p50_us", "p50", colour, scale=0.001),
        Look("response_p99_us", "p99", colour, style=LINE_STYLES[2], scale=0.001),
    )
    return _of_timeline(run, looks)


def _cpu(campaign: LoadedCampaign, run: LoadedRun, colour: str) -> list[Line]:
    lines = []
    tints: dict[HostRole, str] = {"server": colour, "client": CLIENT}
    for role, tint in tints.items():
        table = run.telemetry.get(role)
        if table is None or "t_s" not in table:
            continue
        # A share is of the interval that ends with the sample: it is drawn in the interval's middle
        x = seconds(campaign, run, role) - run.record.telemetry_interval_s / 2
        cores = [column for column in table if CORE.fullmatch(str(column))]
        if "cpu_percent" in table:
            lines.append(Line(f"{role}", x, table["cpu_percent"], tint))
        if len(cores) > 1:
            busiest = table[cores].max(axis=1)
            lines.append(Line(f"{role}, busiest core", x, busiest, tint, LINE_STYLES[2], 0.9))
        if "steal_percent" in table and table["steal_percent"].max() >= 1:
            lines.append(Line(f"{role}, stolen", x, table["steal_percent"], FAILURES))
    return lines


@dataclass(frozen=True)
class Look:
    """How a column of timeline.csv is drawn."""

    column: str
    text: str
    colour: str
    style: object = "-"
    width: float = 1.3
    filled: bool = False
    scale: float = 1.0


def _of_timeline(run: LoadedRun, looks: tuple[Look, ...]) -> list[Line]:
    table = run.timeline
    if table is None or "second" not in table:
        return []
    return [  # what happened in a second is drawn in its middle
        Line(
            look.text, table["second"] + 0.5, table[look.column] * look.scale,
            look.colour, look.style, look.width, look.filled,
        )
        for look in looks
        if look.column in table and table[look.column].notna().any()
    ]  # fmt: skip


def _panel(
    picture: Frame,
    number: int,
    title: str,
    lines: list[Line],
    *,
    may_be_log: bool = False,
    highest: float | None = None,
) -> None:
    axes = picture.axes[number]
    axes.set_title(title, loc="left", fontsize=8, color=QUIET, pad=4)
    if not lines:
        axes.text(
            0.5, 0.5, NOT_RECORDED, transform=axes.transAxes, ha="center", va="center", color=QUIET
        )
        axes.set_yticks([])
    for line in lines:
        if line.filled:
            axes.fill_between(line.x, line.y, color=line.colour, alpha=0.25, linewidth=0)
        axes.plot(
            line.x, line.y, color=line.colour, linestyle=line.style, linewidth=line.width,
            label=line.text,
        )  # fmt: skip
    _y_axis(axes, lines, may_be_log, highest)
    if lines:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=len(lines), frameon=False, fontsize=7,
            borderpad=0.2, borderaxespad=0, handlelength=1.5, handletextpad=0.4, columnspacing=0.9,
        )  # fmt: skip


def _y_axis(axes: Axes, lines: list[Line], may_be_log: bool, highest: float | None) -> None:
    values = pd.concat([line.y for line in lines]) if lines else pd.Series(dtype=float)
    positive = values[values > 0]
    if may_be_log and wide(positive):
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, highest or (float(positive.max()) * 1.08 if len(positive) else 1))
    plain_axis(axes, "y")
    axes.grid(axis="x", color=GRID, linewidth=0.4)


def _share_x(picture: Frame, run: LoadedRun) -> None:
    """Show the same seconds on all panels: those of the load, with a little before and after."""
    if run.timeline is not None and "second" in run.timeline:
        end = float(run.timeline["second"].max()) + 1
    else:
        end = run.record.load.duration_s
    for axes in picture.axes:
        axes.set_xlim(-0.02 * end, end * 1.02)
        axes.tick_params(labelbottom=axes is picture.axes[-1])
    picture.axes[-1].set_xlabel("seconds since the measured part began", fontsize=8)


def _alt(run: LoadedRun) -> str:
    parts = []
    if run.timeline is not None:
        for column, text in (("ok", "correct answers per second"), ("errors", "errors per second")):
            if column in run.timeline:
                series = run.timeline[column]
                parts.append(f"{text} from {series.min():,.0f} to {series.max():,.0f}")
    for role, table in run.telemetry.items():
        if "cpu_percent" in table:
            parts.append(f"{role}'s CPU on average {table['cpu_percent'].mean():.0f} %")
    return "; ".join(parts) or NOT_RECORDED
