"""Draw response time: mean and 99th percentile of each group, joined by a line."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.charts import marks
from analysis.charts.rows import Row, lay_out, rows_frame, trials_note
from analysis.charts.style import (
    QUIET,
    Chart,
    colours,
    plain_axis,
    wide,
)  # fmt: skip
from analysis.figures import BY_KEY
from analysis.groups import Group, counted_from
from analysis.load import LoadedCampaign
from analysis.statistics import MIN_TRIALS_FOR_INTERVAL
from analysis.trials import WITHOUT_FIGURES
from testbed.numbers import MISSING

DRAWN = ("response_mean_us", "response_p99_us")
MARKERS = {"response_mean_us": "o", "response_p99_us": "D"}


def draw(campaign: LoadedCampaign, endpoint: str, members: list[Group]) -> Chart:
    """Draw the chart of one endpoint."""
    title = f"Response time, {endpoint}"
    rows = lay_out([(group, value(group), _notes(group)) for group in members])
    drawn = _drawn(members)
    log, highest = wide(drawn), max([*drawn, *marks.interval_ends(members, *DRAWN)], default=0.0)
    counted = counted_from(group.first for group in members)
    key = _key(members)
    picture = rows_frame(
        title,
        f"milliseconds{', logarithmic axis' if log else ''}; {counted}",
        campaign,
        rows,
        key_lines=marks.key_lines(key),
        x_label="milliseconds",
    )
    axes = picture.axes[0]
    if log:
        axes.set_xscale("log")
        axes.set_xlim(min(figure for figure in drawn if figure > 0) / 1500, highest / 667)
    else:
        axes.set_xlim(0, highest * 1.05 / 1000 or 1)
    plain_axis(axes)
    palette = colours(campaign)
    for row in rows:
        _marks(axes, row, palette[row.group.app])
    marks.key(picture, key)
    texts = "; ".join(
        f"{group.label}: {value(group)}{marks.standing_note(group)}" for group in members
    )
    return Chart(
        name=f"{endpoint}-latency",
        title=title,
        caption=f"Circle: mean; diamond: 99th percentile; {counted}. "
        + marks.caption(members, mark="large mark", doubted="Hollow")
        + _of_p99(members)
        + marks.lower_bound_note(members),
        alt=f"Dot chart. {title}, milliseconds. {texts}.",
        figure=picture.figure,
    )


def value(group: Group) -> str:
    """Return the figures of a group's row as text; the dash where it has none."""
    if group.standing in WITHOUT_FIGURES:
        return marks.no_figure(group)
    mean, p99 = (group.mean(key) for key in DRAWN)
    if mean is None and p99 is None:
        return MISSING
    told = [group.told(key, figure) for key, figure in zip(DRAWN, (mean, p99), strict=True)]
    return f"mean {told[0]} · p99 {told[1]} ms"


def _of_p99(members: list[Group]) -> str:
    """Say how the p99 of several trials, and its interval, came about; often an empty text."""
    summaries = [one for group in members if (one := group.summary("response_p99_us"))]
    several = [one.interval_is for one in summaries if one.trials >= MIN_TRIALS_FOR_INTERVAL]
    if not any(one.trials > 1 for one in summaries):
        return ""
    told = " The p99 is that of all trials merged, not a mean of theirs"
    return f"{told}; its whisker: {'; '.join(dict.fromkeys(several))}." if several else f"{told}."


def _notes(group: Group) -> list[str]:
    if group.mean("goodput_rps") == 0 and group.mean("response_mean_us") is not None:
        return ["no correct answer: these are times of failures", *trials_note(group)]
    return trials_note(group)


def _drawn(members: list[Group]) -> list[float]:
    """Return every figure that is drawn, in microseconds."""
    return [
        span.value
        for group in members
        for record in group.records
        if record.output is not None
        for span in (group.span(record, BY_KEY[key]) for key in DRAWN)
        if span is not None
    ]


def _marks(axes: Axes, row: Row, colour: str) -> None:
    known = {key: mean for key in DRAWN if (mean := row.group.mean(key)) is not None}
    y, fill = row.middle, colour if row.group.standing == "valid" else "white"
    if len(known) == 2:
        axes.plot([v / 1000 for v in known.values()], [y, y], color=colour, linewidth=1.4, zorder=2)
    for key, mean in known.items():
        axes.plot(
            [mean / 1000], [y], linestyle="none", marker=MARKERS[key], markersize=7, zorder=3,
            color=colour, markerfacecolor=fill, markeredgewidth=1.4, clip_on=False,
        )  # fmt: skip
    if known and row.group.censored:
        marks.beyond(axes, max(known.values()) / 1000, y, colour)
    for key in DRAWN:
        marks.whisker(axes, row.group.summary(key), y, scale=0.001)
        marks.trials(axes, row.group, BY_KEY[key], y, scale=0.001)


def _key(members: list[Group]) -> list[marks.Entry]:
    look: Any = {"color": QUIET, "linestyle": "none", "markersize": 6}
    entries: list[marks.Entry] = [
        (Line2D([], [], marker="o", **look), "mean"),
        (Line2D([], [], marker="D", **look), "99th percentile"),
    ]
    if any(group.censored for group in members):
        entries.append((Line2D([], [], marker=r"$\rightarrow$", **look), "≥: lower bound"))
    for handle, text in marks.key_entries(members):
        if text == marks.DOUBT:  # marks are hollow where bars are hatched
            handle = Line2D([], [], marker="o", markerfacecolor="white", **look)
        entries.append((handle, text))
    return entries
