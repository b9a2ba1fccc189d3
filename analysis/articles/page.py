"""Write the HTML page of a series: the verdicts first, then the figures that they rest on.

The page is one file and needs no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis import columns, figures, groups, html, ramp
from analysis.articles.claims import Judgement, accept_text
from analysis.articles.series import LoadedPart, LoadedSeries, judgements, trials_of
from analysis.articles.verdicts import (
    MODES,
    cautions,
    cell_text,
    estimate_text,
    figure_text,
    interval_of,
    published_text,
    tally,
    unit,
)
from analysis.charts.style import Rendered
from analysis.intervals import CONFIDENCE
from analysis.load import LoadedCampaign
from testbed.model.article import Mode, PublishedFigure
from testbed.numbers import written_out

METRIC_NAMES = {
    "throughput_rps": "throughput",
    "goodput_rps": "goodput",
    "errors_percent": "errors",
    "response_mean_us": "mean response time",
    "response_p50_us": "median response time",
    "response_p99_us": "p99 of response time",
    "cpu_ms_per_answer": "CPU time per correct answer",
    "memory_peak_mb": "memory at its peak",
    "slowdown_users": "slow-down begins",
    "errors_users": "errors begin",
}


@dataclass(frozen=True)
class ModeVerdicts:
    """The verdict table of one mode."""

    mode: Mode
    title: str
    description: str
    differences: list[str]
    tally: str
    judged: list[Judgement]


@dataclass(frozen=True)
class FigureRow:
    """A figure that the article printed, beside the one measured here."""

    published: PublishedFigure
    what: str
    theirs: str
    ours: str
    spread: str


@dataclass(frozen=True)
class CampaignPart:
    """One campaign of the series with its charts."""

    loaded: LoadedPart
    title: str
    description: str
    link: str | None  # of its own full report, relative to the page
    charts: Mapping[str, list[Rendered]]


def page(
    loaded: LoadedSeries,
    charts: Mapping[str, Mapping[str, list[Rendered]]],
    links: dict[str, str],
    against_published: list[Rendered],
) -> str:
    """Return the whole page; the same series always gives the same text.

    The keys of `charts` and `links` are the names of campaigns. A campaign that was not measured is
    in neither. `against_published` are the charts of the series (analysis/articles/charts.py).
    """
    series = loaded.series
    return html.environment().get_template("series.html.j2").render(
        series=series,
        published=series.published,
        loaded=loaded,
        cautions=cautions(loaded),
        modes=[_mode(loaded, mode) for mode in loaded.modes],
        against_published=against_published,
        mode_titles=MODES,
        metric_names=METRIC_NAMES,
        figure_rows=figure_rows(loaded) if "as_published" in loaded.modes else [],
        shortened=shortened(loaded) if loaded.small else [],
        parts=[_part(loaded, part, charts, links) for part in loaded.parts],
        part_values=part_values,
        together=ramp.together,
        accept_text=accept_text,
        cell_text=cell_text,
        estimate_text=estimate_text,
        interval_of=interval_of,
        published_text=published_text,
        unit=unit,
        confidence=CONFIDENCE,
    )  # fmt: skip


def _mode(loaded: LoadedSeries, mode: Mode) -> ModeVerdicts:
    judged, asked = judgements(loaded, mode), loaded.series.article.asked(mode)
    return ModeVerdicts(
        mode, MODES[mode], asked.description, asked.differences, tally(judged), judged
    )


def _part(
    loaded: LoadedSeries,
    part: LoadedPart,
    charts: Mapping[str, Mapping[str, list[Rendered]]],
    links: dict[str, str],
) -> CampaignPart:
    asked = loaded.series.article.asked(part.about.mode).parts[part.about.part]
    return CampaignPart(
        loaded=part,
        title=asked.title,
        description=asked.description,
        link=links.get(part.about.campaign),
        charts=charts.get(part.about.campaign, {}),
    )


def part_values(
    campaign: LoadedCampaign, charts: Mapping[str, list[Rendered]]
) -> dict[str, object]:
    """Return what the summary and ramp tables of one campaign need."""
    by_endpoint = {endpoint: groups.groups(campaign, endpoint) for endpoint in charts}
    return {
        "groups": by_endpoint,
        "figures": columns.shown_figures(campaign),
        "varied": groups.has_variants(campaign),
        "varied_text": columns.varied_text,
        "bounded": any(group.censored for found in by_endpoint.values() for group in found),
        "lower_bound": figures.LOWER_BOUND,
        "standings": html.standings(campaign),
        "ramps": ramp.ramps(campaign),
        "ramp_of": ramp.of(campaign),
    }


def figure_rows(loaded: LoadedSeries) -> list[FigureRow]:
    """Return a row for each figure of the article, beside the figure measured as published."""
    rows = []
    for published in loaded.series.published.figures:
        cell, metric = published.cell, published.metric
        ours = trials_of(loaded, "as_published", cell, metric)
        values = [span.value for span in ours.spans]
        spread = ""
        if len(values) > 1:
            spread = f"{figure_text(metric, min(values))} to {figure_text(metric, max(values))}"
        rows.append(
            FigureRow(
                published=published,
                what=f"{ours.label}: {METRIC_NAMES[metric]}",
                theirs=figure_text(metric, published.value),
                ours=cell_text(metric, ours),
                spread=spread,
            )
        )
    return rows


def shortened(loaded: LoadedSeries) -> list[str]:
    """Return what the small scale changed: one sentence for each part of the series."""
    found = []
    for part in loaded.series.parts:
        asked = loaded.series.article.asked(part.mode).parts[part.part]
        full = asked.load.model_dump() | {"trials": asked.trials}
        if asked.load.ramp is not None:
            full["steps"] = asked.load.ramp.steps
        small = asked.small.model_dump(exclude_none=True)
        changes = [
            f"{key.rpartition('_')[0] if key.endswith('_s') else key} {_plain(value)} in place "
            f"of {_plain(full[key])}{' s' if key.endswith('_s') else ''}"
            for key, value in small.items()
            if key in full and full[key] != value
        ]
        found.append(f"{MODES[part.mode]}, {part.part}: {', '.join(changes) or 'nothing'}.")
    return found


def _plain(value: object) -> str:
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return written_out(value, ",") if isinstance(value, int | float) else str(value)
