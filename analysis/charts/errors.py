"""Draw errors by class, stacked."""

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from analysis.charts import marks
from analysis.charts.rows import BAR, Row, lay_out, rows_frame, trials_note
from analysis.charts.style import (
    ERROR_COLOURS,
    HATCH,
    Chart,
    plain_axis,
)  # fmt: skip
from analysis.figures import BY_KEY
from analysis.groups import Group
from analysis.load import LoadedCampaign
from testbed.numbers import count

CAPTION = (
    "Errors during the run, by class. Requests that were never sent or never answered are told "
    "beside, not drawn: they are no errors of the connection. "
)
CLASS_NAMES = {"wrong_body": "wrong body", "status": "status (not 2xx or 3xx)"}


def draw(campaign: LoadedCampaign, endpoint: str, members: list[Group]) -> Chart | None:
    """Draw the chart of one endpoint; return None if no run had errors or unanswered requests."""
    totals = [value for group in members for value in _totals(group)]
    if not any(totals) and not any(_lost(group) for group in members):
        return None
    title = f"Errors, {endpoint}"
    rows = lay_out([(group, _value(group), _notes(group)) for group in members])
    key = _key(members)
    picture = rows_frame(
        title,
        "errors during the run, by class",
        campaign,
        rows,
        key_lines=marks.key_lines(key),
        x_label="errors",
    )
    axes = picture.axes[0]
    plain_axis(axes)
    most = max([*totals, *marks.interval_ends(members, "errors_total")], default=0.0)
    axes.set_xlim(0, most * 1.03 or 1)
    if not most:
        axes.set_xticks([0])
    for row in rows:
        _bar(axes, row)
    marks.key(picture, key)
    texts = "; ".join(_text(group) for group in members)
    return Chart(
        name=f"{endpoint}-errors",
        title=title,
        caption=CAPTION + marks.caption(members),
        alt=f"Stacked bar chart. {title}. {texts}.",
        figure=picture.figure,
    )


def _bar(axes: Axes, row: Row) -> None:
    left = 0.0
    for name, value in row.group.mean_errors().items():
        if value:
            axes.barh(row.middle, value, BAR, left=left, color=ERROR_COLOURS[name], linewidth=0)
            left += value
    if left and row.group.standing != "valid":
        axes.barh(row.middle, left, BAR, color="none", edgecolor="white", hatch=HATCH, linewidth=0)
    marks.whisker(axes, row.group.summary("errors_total"), row.middle)
    marks.trials(axes, row.group, BY_KEY["errors_total"], row.middle)


def _totals(group: Group) -> list[float]:
    values = [BY_KEY["errors_total"].of(r.output) for r in group.records if r.output is not None]
    return [value for value in values if value is not None]


def _value(group: Group) -> str:
    total = group.mean("errors_total")
    return marks.no_figure(group) if total is None else count(total)


def _notes(group: Group) -> list[str]:
    return [*filter(None, [_lost(group)]), *trials_note(group)]


def _lost(group: Group) -> str:
    """Return how many requests were never sent or never answered; an empty text if none was."""
    titles = {"unsent": "never sent", "unanswered": "never answered"}
    means = {title: group.mean(key) for key, title in titles.items()}
    return " · ".join(f"{title}: {count(mean)}" for title, mean in means.items() if mean)


def _key(members: list[Group]) -> list[marks.Entry]:
    seen = {name for group in members for name, value in group.mean_errors().items() if value}
    classes: list[marks.Entry] = [
        (Patch(facecolor=colour), CLASS_NAMES.get(name, name))
        for name, colour in ERROR_COLOURS.items()
        if name in seen
    ]
    return [*classes, *marks.key_entries(members)]


def _text(group: Group) -> str:
    classes = ", ".join(
        f"{CLASS_NAMES.get(name, name)} {count(value)}"
        for name, value in group.mean_errors().items()
        if value
    )
    told = ", ".join(filter(None, [classes, *_notes(group)]))
    return (
        f"{group.label}: {_value(group)}{f' ({told})' if told else ''}{marks.standing_note(group)}"
    )
