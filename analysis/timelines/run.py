"""Say what is drawn of one run over time: rates, response times, CPU, all on one axis."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from analysis.axis import seconds
from analysis.charts.style import colours
from analysis.load import LoadedCampaign, LoadedRun
from analysis.timelines.heat import HeatMap, heat_map
from analysis.timelines.panel import PER_SECOND, Line, Panel, Tick, box, panel, ticks
from testbed.host_roles import ROLES

CORE = re.compile(r"cpu\d+_percent")
EDGE = 0.02  # of the duration, shown before the load begins and after it ends
STOLEN_FROM_PERCENT = 1
X_TICKS = 6


@dataclass(frozen=True)
class Look:
    """How a column of timeline.csv is drawn."""

    column: str
    text: str
    look: str
    scale: float = 1.0
    highest: bool = False


RATES = (
    Look("due", "due", "due"),
    Look("completed", "answered", "all"),
    Look("ok", "correct", "main"),
    Look("errors", "errors", "bad"),
)
TIMES = (
    Look("response_p50_us", "p50", "main", 0.001),
    Look("response_p99_us", "p99", "main dashed", 0.001, highest=True),
    Look("lag_p99_us", "generator's lag, p99", "generator", 0.001, highest=True),
)


@dataclass(frozen=True)
class Timeline:
    """One run over time, as it stands in the page."""

    panels: list[Panel]
    heat: HeatMap | None
    tint: int  # the place of the run's app among `tints`
    ticks: list[Tick]  # of the axis that all panels share, in seconds
    alt: str  # what is seen, for readers who cannot see it


def tints(campaign: LoadedCampaign) -> list[str]:
    """Return the colours of all apps, as rules of a style sheet."""
    return [
        f".tint{place} {{ --tint: {one}; }}" for place, one in enumerate(colours(campaign).values())
    ]


def timeline(campaign: LoadedCampaign, run: LoadedRun) -> Timeline | None:
    """Return one run over time; None where it has neither a timeline nor telemetry."""
    if run.timeline is None and not run.telemetry:
        return None
    end_s = _end_s(run)
    span_s = (-EDGE * end_s, (1 + EDGE) * end_s)
    panels = [
        panel("requests per second", _of_timeline(run, RATES), span_s),
        panel("response time, ms", _of_timeline(run, TIMES), span_s, may_be_log=True),
        panel("CPU, %", _cpu(campaign, run), span_s, top=100),
    ]
    shown = [float(one) for one in MaxNLocator(X_TICKS).tick_values(0, end_s) if 0 <= one <= end_s]
    axis = box(span_s, 0, 1)
    return Timeline(
        panels=[one for one in panels if one.curves],
        heat=_heat(run, span_s),
        tint=list(colours(campaign)).index(run.record.app),
        ticks=ticks(shown, [round(one * PER_SECOND) for one in shown], axis.left, axis.right),
        alt=_alt(run),
    )


def _end_s(run: LoadedRun) -> float:
    if run.timeline is not None and "second" in run.timeline:
        last = run.timeline["second"].max()
        if np.isfinite(last) and last >= 0:
            return float(last) + 1
    return run.record.load.duration_s


def _heat(run: LoadedRun, span_s: tuple[float, float]) -> HeatMap | None:
    output = run.record.output
    duration_s = (output.duration_s if output else None) or run.record.load.duration_s
    return heat_map(run.histogram, duration_s, span_s) if run.histogram else None


def _of_timeline(run: LoadedRun, looks: tuple[Look, ...]) -> list[Line]:
    table = run.timeline
    if table is None or "second" not in table:
        return []
    middle_s = _numbers(table["second"]) + 0.5  # what happened in a second is drawn in its middle
    return [
        Line(look.text, look.look, middle_s, _numbers(table[look.column]) * look.scale,
             look.highest)
        for look in looks
        if look.column in table and table[look.column].notna().any()
    ]  # fmt: skip


def _cpu(campaign: LoadedCampaign, run: LoadedRun) -> list[Line]:
    lines = []
    for role in ROLES:
        table = run.telemetry.get(role)
        if table is None or "t_s" not in table:
            continue
        # A share is of the interval that ends with the sample: it is drawn in the interval's middle
        x_s = _numbers(seconds(campaign, run, role)) - run.record.telemetry_interval_s / 2
        look = "main" if role == "server" else "generator"
        cores = [column for column in table if CORE.fullmatch(str(column))]
        if "cpu_percent" in table:
            lines.append(Line(role, look, x_s, _numbers(table["cpu_percent"])))
        if len(cores) > 1:
            busiest = _numbers(table[cores].max(axis=1))
            lines.append(Line(f"{role}, busiest core", f"{look} dashed", x_s, busiest, True))
        if "steal_percent" in table and table["steal_percent"].max() >= STOLEN_FROM_PERCENT:
            stolen = _numbers(table["steal_percent"])
            lines.append(Line(f"{role}, stolen", "bad", x_s, stolen, True))
    return lines


def _numbers(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=float)


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
    return "; ".join(parts) or "nothing was recorded over time"
