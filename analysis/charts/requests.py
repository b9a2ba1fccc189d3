"""Draw requests per second, with goodput as the solid part of throughput."""

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.charts import marks
from analysis.charts.rows import BAR, Row, lay_out, rows_frame, trials_note
from analysis.charts.style import (
    HATCH,
    INK,
    Chart,
    colours,
    plain_axis,
)  # fmt: skip
from analysis.figures import BY_KEY
from analysis.groups import Group, asked_rates
from analysis.load import LoadedCampaign
from testbed.numbers import MISSING, rate

ASKED = (0, (4, 2))
BEYOND = 0.02  # inches that the line of the asked rate reaches beyond a bar
CAPTION = (
    "Solid: correct answers per second (goodput). Pale: all answers per second (throughput), so "
    "the pale part beyond the solid one is failures. "
)


def draw(campaign: LoadedCampaign, endpoint: str, members: list[Group]) -> Chart:
    """Draw the chart of one endpoint."""
    title = f"Requests per second, {endpoint}"
    rows = lay_out([(group, _value(group), trials_note(group)) for group in members])
    asked = asked_rates(members)
    key = _key(members, asked)
    picture = rows_frame(
        title,
        "answers per second: solid = correct, pale = all",
        campaign,
        rows,
        key_lines=marks.key_lines(key),
        x_label="answers per second",
    )
    axes = picture.axes[0]
    plain_axis(axes)
    axes.set_xlim(0, _right_edge(members, asked))
    palette = colours(campaign)
    for row in rows:
        _bar(axes, row, palette[row.group.app])
    for asked_rps in asked:
        for row in rows:  # beside each bar: through all rows, it would cross their texts
            ends = [row.middle - BAR / 2 - BEYOND, row.middle + BAR / 2 + BEYOND]
            axes.plot([asked_rps] * 2, ends, color=INK, linewidth=1, linestyle=ASKED, zorder=1)
    marks.key(picture, key)
    return Chart(
        name=f"{endpoint}-requests",
        title=title,
        caption=CAPTION + marks.caption(members),
        alt=_alt(title, members, asked),
        figure=picture.figure,
    )


def _value(group: Group) -> str:
    throughput, goodput = group.mean("throughput_rps"), group.mean("goodput_rps")
    if throughput is None and goodput is None:
        return marks.no_figure(group)
    if goodput is None:
        return f"{rate(throughput)}/s, correct ones not known"
    if throughput is None or rate(throughput) == rate(goodput):
        return f"{rate(goodput)}/s"
    return f"{rate(goodput)} correct of {rate(throughput)}/s"


def _right_edge(members: list[Group], asked: list[float]) -> float:
    seen = [
        span.value
        for group in members
        for record in group.records
        for span in (group.span(record, BY_KEY[key]) for key in ("throughput_rps", "goodput_rps"))
        if span is not None
    ]
    ends = marks.interval_ends(members, "throughput_rps", "goodput_rps")
    return max([*seen, *ends, *asked, 1e-9]) * 1.03


def _bar(axes: Axes, row: Row, colour: str) -> None:
    group = row.group
    throughput, goodput = group.mean("throughput_rps"), group.mean("goodput_rps")
    y, hatch = row.middle, HATCH if group.standing != "valid" else None
    if throughput is not None:
        axes.barh(y, throughput, BAR, color=colour, alpha=0.25, linewidth=0)
        axes.barh(y, throughput, BAR, color="none", edgecolor=colour, linewidth=0.8)
    if goodput is not None:
        axes.barh(y, goodput, BAR, color=colour, linewidth=0)
    if hatch and (throughput or goodput):
        widest = max(throughput or 0, goodput or 0)
        axes.barh(y, widest, BAR, color="none", edgecolor="white", hatch=hatch, linewidth=0)
        axes.barh(y, widest, BAR, color="none", edgecolor=colour, linewidth=0.8)
    drawn = "goodput_rps" if goodput is not None else "throughput_rps"
    marks.whisker(axes, group.summary(drawn), y)
    marks.trials(axes, group, BY_KEY[drawn], y)


def _key(members: list[Group], asked: list[float]) -> list[marks.Entry]:
    entries: list[marks.Entry] = []
    if asked:
        text = f"asked: {rate(asked[0])}/s" if len(asked) == 1 else "asked rates"
        entries.append((Line2D([], [], color=INK, linewidth=1, linestyle=ASKED), text))
    return [*entries, *marks.key_entries(members)]


def _alt(title: str, members: list[Group], asked: list[float]) -> str:
    asked_text = f" Asked: {', '.join(rate(value) for value in asked)} per second." if asked else ""
    rows = "; ".join(
        f"{group.label}: {_value(group)}{marks.standing_note(group)}" for group in members
    )
    return f"Bar chart. {title}.{asked_text} {rows or MISSING}."
