"""Draw cost against speed: CPU time of the server per correct answer, by correct answers a second.

Only campaigns whose hosts report CPU times have this chart.
"""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.charts import marks
from analysis.charts.style import (
    INK,
    STANDING_COLOUR,
    Chart,
    colours,
    footer,
    frame,
    generators_of,
    plain_axis,
    wide,
)  # fmt: skip
from analysis.figures import BY_KEY
from analysis.groups import Group
from analysis.load import LoadedCampaign
from analysis.statistics import Summary
from analysis.trials import WITHOUT_FIGURES
from testbed.numbers import digits, rate

SPEED, COST = BY_KEY["goodput_rps"], BY_KEY["cpu_ms_per_answer"]
PARTS = {
    "app_cpu_ms_per_answer": "app",
    "database_cpu_ms_per_answer": "database",
    "services_cpu_ms_per_answer": "other services",
    "kernel_cpu_ms_per_answer": "kernel",
}
HEIGHT = 3.0
MOST_SPLIT = 4  # groups whose parts are told below the chart
LEFT = 0.75  # for 10,000 and the name beside it
MARKERS = ("o", "s", "D", "^", "v", "P")  # of the groups of one app, one after another


def draw(campaign: LoadedCampaign, endpoint: str, members: list[Group]) -> Chart | None:
    """Draw the chart of one endpoint; return None if no run has both figures."""
    shown = [group for group in members if _points(group)]
    if not shown:
        return None
    title = f"Cost against speed, {endpoint}"
    looks = _looks(campaign, shown)
    others = [entry for entry in marks.key_entries(shown) if entry[1] != marks.DOUBT]
    key = [*_key(shown, looks), *others]  # whose labels say which is doubtful
    picture = frame(
        title,
        "right: more correct answers a second; below: less CPU time for each",
        footer(campaign, generators_of(shown)),
        heights=[HEIGHT],
        left=LEFT,
        key_lines=marks.key_lines(key),
    )
    axes = picture.axes[0]
    for group, look in zip(shown, looks, strict=True):
        _group(axes, group, look)
    _axes(axes, shown)
    marks.key(picture, key)
    return Chart(
        name=f"{endpoint}-cost",
        title=title,
        caption="CPU time that the server host spent on one correct answer, of all its CPUs "
        f"together and less that of the idle host. {_split(shown)} "
        + marks.caption(shown, "mark", "Hollow"),
        alt=f"Point chart. {title}. {'; '.join(_told(group) for group in shown)}.",
        figure=picture.figure,
    )


def _points(group: Group) -> list[tuple[float, float, bool]]:
    """Return speed and cost of each trial that has both, and whether it counts."""
    if group.standing in WITHOUT_FIGURES:
        return []
    found = []
    for record in group.records:
        speed, cost = group.span(record, SPEED), group.span(record, COST)
        if speed is not None and cost is not None:
            counts = any(record is one for one in group.counted)
            found.append((speed.value, cost.value, counts))
    return found if any(counts for _, _, counts in found) else []


def _looks(campaign: LoadedCampaign, shown: list[Group]) -> list[dict[str, Any]]:
    """Return colour and marker of each group: the app's colour, and a marker of its own in it."""
    palette = colours(campaign)
    used = dict.fromkeys(palette.values(), 0)
    looks: list[dict[str, Any]] = []
    for group in shown:
        colour = palette[group.app]
        doubted = group.standing != "valid"
        looks.append(
            {
                "marker": MARKERS[used[colour] % len(MARKERS)],
                "markeredgecolor": colour,
                "markerfacecolor": "white" if doubted else colour,
                "linestyle": "none",
                "markersize": 7,
            }
        )
        used[colour] += 1
    return looks


def _group(axes: Axes, group: Group, look: dict[str, Any]) -> None:
    """Draw the trials of a group, if there are several, and their mean with its intervals."""
    points = _points(group)
    speed, cost = group.summary(SPEED.key), group.summary(COST.key)
    if speed is None or cost is None:
        return
    _whiskers(axes, speed, cost)
    axes.plot([speed.mean], [cost.mean], zorder=3, **look)
    for x, y, counts in points if len(group.records) > 1 else ():
        trial: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "markeredgecolor": INK}
        cross: dict[str, Any] = {"marker": "x", "markeredgecolor": STANDING_COLOUR["invalid"]}
        axes.plot(
            [x], [y], linestyle="none", markersize=3.6, markeredgewidth=0.8, zorder=5,
            **(trial if counts else cross),
        )  # fmt: skip


def _whiskers(axes: Axes, speed: Summary, cost: Summary) -> None:
    look: dict[str, Any] = {"color": INK, "linewidth": 1.0, "zorder": 4}
    if speed.interval is not None:
        axes.plot(speed.interval, [cost.mean, cost.mean], **look)
    if cost.interval is not None:
        axes.plot([speed.mean, speed.mean], cost.interval, **look)


def _axes(axes: Axes, shown: list[Group]) -> None:
    """Let each axis begin at zero, or be logarithmic if the figures lie far apart."""
    points = [point for group in shown for point in _points(group)]
    for axis, key, values in (
        ("x", SPEED.key, [x for x, _, _ in points]),
        ("y", COST.key, [y for _, y, _ in points]),
    ):
        top = max([*values, *marks.interval_ends(shown, key), 1e-9])
        least = min([value for value in values if value > 0], default=top)
        if wide(values):
            getattr(axes, f"set_{axis}scale")("log")
            getattr(axes, f"set_{axis}lim")(least / 1.5, top * 1.5)
        else:
            getattr(axes, f"set_{axis}lim")(0, top * 1.12)
        plain_axis(axes, axis)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(True)
    axes.grid(visible=True, color="#eeeeee", linewidth=0.6)
    axes.set_xlabel("correct answers per second", fontsize=8)
    axes.set_ylabel("CPU ms per correct answer", fontsize=8)


def _key(shown: list[Group], looks: list[dict[str, Any]]) -> list[marks.Entry]:
    return [
        (Line2D([], [], **look), f"{group.label}{marks.standing_note(group)}")
        for group, look in zip(shown, looks, strict=True)
    ]


def _split(shown: list[Group]) -> str:
    """Return of what each group's cost is made, in one sentence; of many, where that stands."""
    if len(shown) > MOST_SPLIT:
        return "How much of it is the app's, the database's and the kernel's is in table.csv."
    return f"{'; '.join(f'{group.label}: {_parts(group)}' for group in shown)}."


def _parts(group: Group) -> str:
    means = {name: group.mean(key) for key, name in PARTS.items()}
    return ", ".join(f"{name} {digits(one)}" for name, one in means.items() if one is not None)


def _told(group: Group) -> str:
    speed, cost = group.mean(SPEED.key), group.mean(COST.key)
    note = marks.standing_note(group)
    return f"{group.label}: {digits(cost)} ms at {rate(speed)}/s ({_parts(group)} ms){note}"
