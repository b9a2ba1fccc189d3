"""Define what all charts share: colours, sizes, frame and footer.

Sizes are in inches, measured from edges, so that nothing is cut off however many rows a chart has.

Figures are 5 inches wide with 9 point text: on a phone of 390 pixels that is still about 10 pixels.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import matplotlib.figure
import matplotlib.image
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.groups import Group, apps
from analysis.load import LoadedCampaign
from testbed.model.results import RunRecord, Standing
from testbed.numbers import written_out

WIDTH = 5.0
KEY_LINE = 0.167  # inches from one line of a key's entries to the next
MARGIN = 0.2  # inches; holds half of the last tick's label
LINE = 0.165  # height of a line of 9 point text
DPI = 200

INK = "#1c1c1c"
QUIET = "#5a5a5a"  # 7:1 on white
GRID = "#dddddd"
STANDING_COLOUR: dict[Standing, str] = {
    "valid": INK,
    "doubtful": "#8a5300",
    "invalid": "#b00020",
    "failed": "#b00020",
    "interrupted": "#b00020",
}

# The articles' three apps keep their colour in every campaign; others take the rest in
# alphabetical order. Blue, vermillion and green are from Okabe and Ito's palette, most of the
# rest from Paul Tol's 'muted': both are made to be told apart with colour-blind eyes.
FIXED_COLOURS = {"django": "#0072b2", "flask": "#d55e00", "aiohttp": "#009e73"}
OTHER_COLOURS = (
    "#aa4499", "#332288", "#999933", "#882255", "#117733", "#56b4e9", "#e69f00", "#555555",
    "#6f4e37", "#cc79a7", "#44aa99", "#000000",
)  # fmt: skip
LINE_STYLES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
ERROR_COLOURS = {
    "connect": "#332288",
    "read": "#88ccee",
    "write": "#44aa99",
    "timeout": "#ddaa33",
    "status": "#cc6677",
    "wrong_body": "#882255",
}
PLACES = {"lab": "lab (two namespaces on one machine)", "metal": "real hosts"}
HATCH = "////"
# Beyond a span of DECADES, a logarithmic axis has numbers at powers of ten. At which multiples of
# them it has more, by the span that it goes beyond: below 1, few fit on a wide one
DECADES = 300
SUBS: tuple[tuple[float, tuple[float, ...]], ...] = (
    (8, (1, 2, 5)),
    (1.3, (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)),
    (0, tuple(one / 10 for one in range(10, 100, 2))),
)
LOG_FROM_SPAN = 30  # greatest over smallest figure from which an axis is logarithmic

RC: Any = {  # matplotlib types each key by itself
    # comes with matplotlib: the same metrics everywhere; fonts.py adds others for other alphabets
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": QUIET,
    "axes.linewidth": 0.6,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "hatch.linewidth": 0.9,
    "svg.fonttype": "path",
    "svg.hashsalt": "testbed",  # ids in the SVG depend on the content alone
    "path.simplify": True,
}


@dataclass(frozen=True)
class Chart:
    """A drawn chart and the words that go with it."""

    name: str  # of its files, without suffix
    title: str
    caption: str  # how to read the chart
    alt: str  # what the chart shows, for readers who cannot see it
    figure: matplotlib.figure.Figure


@dataclass(frozen=True)
class Rendered:
    """A chart as files, with the same words as the chart."""

    name: str
    title: str
    caption: str
    alt: str
    svg: bytes
    png: bytes


def webp(png: bytes) -> bytes:
    """Return a picture, without a loss, in a format that takes a third of the bytes."""
    picture = matplotlib.image.imread(io.BytesIO(png), format="png")
    found = io.BytesIO()
    matplotlib.image.imsave(found, picture, format="webp", pil_kwargs={"lossless": True})
    return found.getvalue()


def noted(chart: Chart, note: str) -> Chart:
    """Return the chart with a sentence more in its caption; the same if the sentence is empty."""
    return replace(chart, caption=f"{chart.caption} {note}".strip()) if note else chart


def render(chart: Chart) -> Rendered:
    """Return the chart as SVG and PNG, always the same bytes for the same chart."""
    families = matplotlib.rcParams["font.family"]
    with matplotlib.rc_context(RC | {"font.family": families}):
        svg, png = io.BytesIO(), io.BytesIO()
        chart.figure.savefig(svg, format="svg", metadata={"Date": None})
        chart.figure.savefig(png, format="png", dpi=DPI)
    words = {"title": chart.title, "caption": chart.caption, "alt": chart.alt}
    return Rendered(name=chart.name, svg=svg.getvalue(), png=png.getvalue(), **words)


def colours(campaign: LoadedCampaign) -> dict[str, str]:
    """Return each app's colour, which is the same in all charts of the campaign."""
    result: dict[str, str] = {}
    rest = list(OTHER_COLOURS)
    for app in sorted(apps(campaign)):
        fixed = next((c for prefix, c in FIXED_COLOURS.items() if app.startswith(prefix)), None)
        if fixed and fixed not in result.values():
            result[app] = fixed
        else:
            result[app] = rest[0]
            rest = [*rest[1:], rest[0]]
    return result


@dataclass(frozen=True)
class Frame:
    """A figure with a heading, one or more axes below one another, and a footer."""

    figure: matplotlib.figure.Figure
    axes: list[Axes]


def frame(
    title: str,
    subtitle: str,
    source: str,
    *,
    heights: list[float],
    gap: float = 0.0,
    left: float = MARGIN,
    below: float = 0.5,
    key_lines: int = 0,
    top_room: float = 0.0,
) -> Frame:
    """Return an empty figure with axes of the given heights.

    `source` is the line at the bottom that says where the figures come from (see `footer`),
    `below` the room under the last axes for ticks and axis label, `key_lines` the lines for a key
    between subtitle and axes (see `marks.key`), and `top_room` more room above the first axes.
    """
    room = WIDTH - 2 * MARGIN
    head = wrap(title, room, 13)  # the heading is bold, hence wider
    sub = wrap(subtitle, room)
    foot = wrap(source, room, 7)
    top = MARGIN + 0.23 * len(head) + LINE * len(sub) + KEY_LINE * key_lines + top_room + 0.13
    bottom = below + 0.14 * len(foot) + MARGIN
    total = top + sum(heights) + gap * (len(heights) - 1) + bottom
    figure = matplotlib.figure.Figure(figsize=(WIDTH, total), facecolor="white")
    FigureCanvasAgg(figure)
    y = total - MARGIN
    x = MARGIN / WIDTH
    figure.text(x, y / total, "\n".join(head), fontsize=12, fontweight="bold", va="top")
    y -= 0.23 * len(head)
    figure.text(x, y / total, "\n".join(sub), color=QUIET, va="top", linespacing=1.2)
    figure.text(
        x, MARGIN / total, "\n".join(foot), fontsize=7, color=QUIET, va="bottom", linespacing=1.25,
        parse_math=False,  # ab says its version between dollar signs
    )  # fmt: skip
    axes, edge = [], total - top
    for height in heights:
        edge -= height
        width = WIDTH - left - MARGIN
        axes.append(figure.add_axes((left / WIDTH, edge / total, width / WIDTH, height / total)))
        edge -= gap
    return Frame(figure, axes)


def footer(campaign: LoadedCampaign, generators: str) -> str:
    """Say where the figures come from: campaign, place, generator, and if it is a calibration."""
    about = campaign.campaign
    text = f"{about.campaign} · {PLACES[about.place]} · load by {generators}"
    return f"calibration, not ranked · {text}" if campaign.calibration else text


def generators_of(members: list[Group]) -> str:
    """Return the generators of all runs of the groups, with versions where known."""
    names = {generator_of(record) for group in members for record in group.records}
    return ", ".join(sorted(names))


def generator_of(record: RunRecord) -> str:
    """Return the generator's name and, where known, version."""
    version = record.generator_version or ""
    return (
        version
        if version.startswith(record.load.generator)
        else f"{record.load.generator} {version}".strip()
    )


def text_width(text: str, points: float = 9) -> float:
    """Return how wide the text is in a font of `points` points, in inches."""
    families = matplotlib.rcParams["font.family"]
    paths = [findfont(FontProperties(family=[family])) for family in families]
    font = get_font(paths)
    font.set_size(points, 72)
    font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return float(font.get_width_height()[0]) / 64 / 72  # FreeType counts in 64ths of a point


def wrap(text: str, width: float, points: float = 9) -> list[str]:
    """Return the text in lines of at most `width` inches; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, points) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]


def line_styles(campaign: LoadedCampaign, apps_drawn: list[str]) -> list[tuple[str, Any]]:
    """Return a colour and a line style for each line, given the app that each is of.

    The colour is the app's; another line of the same app gets another style.
    """
    palette = colours(campaign)
    used = dict.fromkeys(palette.values(), 0)
    result = []
    for app in apps_drawn:
        colour = palette[app]
        result.append((colour, LINE_STYLES[used[colour] % len(LINE_STYLES)]))
        used[colour] += 1
    return result


def wide(values: Iterable[float]) -> bool:
    """Return whether the positive values lie so far apart that the axis should be logarithmic.

    On a linear axis, the smaller ones would be crowded at one end.
    """
    positive = [value for value in values if value > 0]
    return bool(positive) and max(positive) / min(positive) > LOG_FROM_SPAN


def plain_axis(axes: Axes, axis: str = "x") -> None:
    """Give axes a light grid along one axis, no box, and numbers without exponents or offsets."""
    for side in ("top", "right", "left" if axis == "x" else "bottom"):
        axes.spines[side].set_visible(False)
    target = axes.xaxis if axis == "x" else axes.yaxis
    target.set_major_formatter(FuncFormatter(lambda value, _: written_out(value, ",")))
    axes.grid(axis="x" if axis == "x" else "y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def log_axis(axes: Axes, low: float, high: float) -> None:
    """Make the x axis logarithmic, from `low` to `high`, with plain numbers and a line at 1."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    span = high / low
    if span > DECADES:
        axes.xaxis.set_major_locator(LogLocator(numticks=9))
    else:
        subs = next(subs for least, subs in SUBS if span > least)
        axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: written_out(value, ",")))
    axes.xaxis.set_minor_formatter(NullFormatter())
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.axvline(1, color=QUIET, linewidth=0.6)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
