"""Draw the charts of a series: published ratios and shares against those measured here."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import matplotlib

from analysis.articles.claims import Judgement
from analysis.articles.series import SMALL, LoadedSeries, judgements
from analysis.articles.verdicts import (
    MODES,
    cell_text,
    estimate_text,
    figure_text,
    interval_of,
    published_text,
)
from analysis.charts import fonts, published
from analysis.charts.published import Measured, Row, Words
from analysis.charts.style import PLACES, RC, Rendered, generator_of, render
from analysis.ratio import Estimate
from analysis.verdict import UNDECIDED
from testbed.model.article import CellRef, Claim, Metric, Published

# An article prints its figures to two digits or more. So the ratio of two printed figures differs
# from the printed ratio by less than this factor, if it is their ratio at all
SAME = 1.03
MOST_ROWS = 8  # in one chart, so that it fits on a printed page


@dataclass(frozen=True)
class Kind:
    """The claims that share a chart: their figures are of one kind, and so have one axis."""

    name: str
    title: str
    x_label: str
    metrics: tuple[Metric, ...]
    ratios: bool = True

    def holds(self, claim: Claim) -> bool:
        """Return whether a claim is of this kind."""
        is_ratio = all(cells.to is not None for cells in claim.compare.values())
        return claim.metric in self.metrics and is_ratio == self.ratios


TIMES = "times as many (logarithmic)"
KINDS = (
    Kind("answers", "Answers per second", TIMES, ("goodput_rps", "throughput_rps")),
    Kind(
        "response", "Response times", "times as long (logarithmic)",
        ("response_mean_us", "response_p50_us", "response_p99_us"),
    ),
    Kind("onset", "Where slowness or errors begin", TIMES, ("slowdown_users", "errors_users")),
    Kind("errors", "Errors", TIMES, ("errors_percent",)),
    Kind("shares", "Shares of errors", "percent of requests", ("errors_percent",), ratios=False),
    Kind(
        "cost", "Cost", "times as much (logarithmic)", ("cpu_ms_per_answer", "memory_peak_mb")
    ),
)  # fmt: skip


def charts(loaded: LoadedSeries) -> list[Rendered]:
    """Return a chart for each kind of claims of which anything was measured."""
    told: dict[str, list[Judgement]] = {}
    for mode in loaded.modes:
        for one in judgements(loaded, mode):
            told.setdefault(one.name, []).append(one)
    return [chart for kind in KINDS for chart in _of_kind(loaded, kind, told)]


def _of_kind(
    loaded: LoadedSeries, kind: Kind, told: dict[str, list[Judgement]]
) -> Iterator[Rendered]:
    """Yield the charts of one kind of claims: several, of one scale, if there are many claims."""
    claims = loaded.series.published.claims
    of_kind = [name for name in told if kind.holds(claims[name])]
    known = {name: [one for one in told[name] if _is_known(one)] for name in of_kind}
    drawn = [name for name in of_kind if known[name]]
    if not drawn:
        return
    families, missing = fonts.families_of("".join(claims[name].text for name in drawn))
    rows = []
    for name in drawn:
        legible = not missing & set(claims[name].text)
        label = claims[name].text if legible else name
        rows.append(_row(loaded.series.published, label, known[name]))
    without = [name for name in of_kind if not known[name]]
    remark = f"Not drawn, as nothing is known of it: {', '.join(without)}." if without else ""
    reach = published.reach_of_ratios if kind.ratios else published.reach_of_shares
    parts = _shared_out(rows)
    for number, part in enumerate(parts, start=1):
        several = len(parts) > 1
        words = Words(
            name=f"published-{kind.name}" + (f"-{number}" if several else ""),
            title=f"{kind.title}: published against measured",
            subtitle=f"claims on {'ratios' if kind.ratios else 'shares'}"
            + (f", {number} of {len(parts)} charts of one scale" if several else ""),
            x_label=kind.x_label,
            source=_source(loaded),
            remark=remark if part is parts[-1] else "",
        )
        with matplotlib.rc_context(RC | {"font.family": families}):
            modes = list(MODES.values())
            yield render(published.draw(words, part, modes, reach(rows), ratios=kind.ratios))


def _shared_out(rows: list[Row]) -> list[list[Row]]:
    """Return the rows in as few parts as MOST_ROWS allows, all of about the same length."""
    number = math.ceil(len(rows) / MOST_ROWS)
    size = math.ceil(len(rows) / number)
    return [rows[first : first + size] for first in range(0, len(rows), size)]


def _source(loaded: LoadedSeries) -> str:
    """Say where the figures come from."""
    measured = [part.campaign for part in loaded.parts if part.campaign]
    places = dict.fromkeys(PLACES[one.campaign.place] for one in measured)
    generators = sorted({generator_of(run.record) for one in measured for run in one.runs})
    by = f"load by {', '.join(generators)}"
    small = [SMALL.partition(":")[0].lower()] if loaded.small else []
    return " · ".join([loaded.series.series, *small, *places, by])


def _is_known(one: Judgement) -> bool:
    """Return whether anything is known of the figure: its size, or a bound of it."""
    found = one.estimate
    return found is not None and (
        found.value is not None or found.low > 0 or math.isfinite(found.high)
    )


def _row(article: Published, label: str, judged: Sequence[Judgement]) -> Row:
    first = judged[0]
    accept = first.claim.accept
    return Row(
        label=label,
        notes=_notes(article, judged),
        published=first.claim.published,
        published_text=published_text(first),
        least=0.0 if accept.at_least is None else accept.at_least,
        most=math.inf if accept.at_most is None else accept.at_most,
        measured=[_measured(one, found) for one in judged if (found := one.estimate)],
    )


def _measured(one: Judgement, found: Estimate) -> Measured:
    has_interval = found.how != "one trial"
    return Measured(
        mode=MODES[one.mode],
        value=found.value,
        low=found.low if has_interval else None,
        high=found.high if has_interval else None,
        undecided=one.verdict == UNDECIDED,
        text=f"{estimate_text(one)} ({interval_of(one)}), {one.verdict}",
    )


def _notes(article: Published, judged: Sequence[Judgement]) -> list[str]:
    """Return the two figures that a published ratio is of, and those measured in each mode.

    Return an empty list if the article does not print both, or if its ratio is not that of them.
    """
    claim = judged[0].claim
    cells = claim.compare.get("as_published")
    if cells is None or cells.to is None or not claim.published:
        return []
    for metric in (claim.metric, "throughput_rps") if _is_rate(claim.metric) else (claim.metric,):
        of, to = _figure(article, cells.of, metric), _figure(article, cells.to, metric)
        if of and to and abs(math.log(of / to / claim.published)) <= math.log(SAME):
            told = f"The article {figure_text(metric, of)} : {figure_text(metric, to)}"
            return [told, *map(_sides, judged)]
    return []


def _is_rate(metric: Metric) -> bool:
    return metric == "goodput_rps"


def _figure(article: Published, cell: CellRef, metric: Metric) -> float | None:
    found = (one.value for one in article.figures if (one.cell, one.metric) == (cell, metric))
    return next(found, None)


def _sides(one: Judgement) -> str:
    of, *to = (cell_text(one.claim.metric, cell) for cell in one.sides)
    return f"{MODES[one.mode].lower()} {of} : {to[0]}"
