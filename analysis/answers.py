"""Answer for each endpoint which app is ahead, by how much, and how sure that is. Pure functions.

Apps under the same load are ranked by their capacity where it was searched for, otherwise by their
goodput. Where each of them answers what was asked, they are ranked by the p99 of response time. The
ratio of two cells and its interval are those of `compare` for two versions in one campaign. Whether
the first app is told apart from another is said by the p-value of their ratio, after Holm's
correction for the number of apps that it is compared with. A calibration is not ranked, and neither
are the steps of a ramp, which has answers of its own (analysis/ramp.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from analysis import capacities, gave_out, ramp
from analysis.columns import is_shown
from analysis.compare.cells import CAPACITY, CellLoad, Where, cell_of, trials_of
from analysis.compare.rule import DEFAULT_TOLERANCE_PERCENT, judge
from analysis.figures import BY_KEY, SHOWN_COSTS, Figure
from analysis.groups import Group, endpoints, groups, load_text
from analysis.intervals import CONFIDENCE, holm
from analysis.load import LoadedCampaign
from analysis.pairs import in_one_campaign
from analysis.ratio import Estimate, difference_text, interval_text, number
from analysis.statistics import MIN_TRIALS_FOR_INTERVAL
from analysis.trials import CellTrials, worst
from testbed.model.results import Standing
from testbed.numbers import MISSING, rate
from testbed.texts import listed

ANSWERS_ALL = 0.99  # of the asked rate: an app that reaches it answers what was asked
MOST_BASELINES = 6  # to choose from: each takes a ratio and its interval in every row
GOODPUT, P99 = BY_KEY["goodput_rps"], BY_KEY["response_p99_us"]
# The figures of the ranked table; costs only of campaigns whose hosts reported them
BESIDE = (GOODPUT, P99, *(BY_KEY[key] for key in SHOWN_COSTS))
# What is compared, how the first is told by itself and where others are level with it, and how it
# stands to another
WORDS = {
    GOODPUT.key: ("goodput", "answers", "the first answers", "{size} times as many as {other}"),
    CAPACITY.key: ("capacity", "bears", "the first bears", "{size} times the rate of {other}"),
    P99.key: ("p99", "has the shortest p99;", "", "with {other}, p99 is {size} times as long"),
}
MOST_NAMED = 3  # apps in a list of names; of more, the last ones are counted

# How the first app stands to another: told apart from it, the same within compare's tolerance, or
# neither; or unknown, since a side has one trial
Told = Literal["ahead", "level", "undecided", "one trial"]
TIED: tuple[Told, ...] = ("level", "undecided")


@dataclass(frozen=True)
class Row:
    """One app under one load, with its rank."""

    label: str
    app: str
    variant: str
    standing: Standing
    figures: dict[str, str]  # by their titles
    cell: CellTrials  # of the figure that ranks
    group: Group | None = None  # None: searches for capacity
    gave_out: str = ""  # what held its trials back; empty: not recorded
    rank: str = MISSING  # '1', or '1=' for all that the first is not told apart from
    # Of the figure that ranks, so that it is above 1 where the first one is better. None: it is the
    # first itself, or the row is not ranked
    first_is: Estimate | None = None
    told: Told | None = None
    # To each of the answer's baselines, with its interval, as text
    ratios: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What was found for one endpoint under one load."""

    endpoint: str
    load: str  # in words; empty if the endpoint was put under one load only
    metric: Figure
    sentence: str
    rows: list[Row]  # the best first; those without a rank last
    baselines: list[str]  # labels of rows; empty if nothing is compared


def answers(campaign: LoadedCampaign) -> list[Answer]:
    """Return an answer for each endpoint and load, in the order asked; an empty list for ramps."""
    if ramp.of(campaign) is not None:
        return []
    if capacities.searched(campaign):
        return _of_searches(campaign)
    found, beside = [], [one for one in BESIDE if is_shown(one, campaign)]
    for endpoint in endpoints(campaign):
        by_load: dict[str, list[Group]] = {}
        for group in groups(campaign, endpoint):
            by_load.setdefault(load_text(group.first.load), []).append(group)
        for load, members in by_load.items():
            metric, opening = _metric(campaign, members)
            rows = [_row(campaign, group, metric, beside) for group in members]
            shown_load = load if len(by_load) > 1 else ""
            found.append(_answer(campaign, endpoint, shown_load, metric, rows, opening))
    return found


def places(found: Sequence[Answer]) -> dict[str, int]:
    """Return where each group of runs stands in the answers, by the id of its first run."""
    rows = [row for answer in found for row in answer.rows]
    return {row.group.first.run_id: place for place, row in enumerate(rows) if row.group}


def _of_searches(campaign: LoadedCampaign) -> list[Answer]:
    found: dict[str, list[Row]] = {}
    cells: dict[Where, dict[CellLoad, CellTrials]] = trials_of(campaign, CAPACITY, "")
    for one in capacities.rows(campaign):
        of_place = cells[Where(one.endpoint, one.app, one.variant)]
        row = Row(
            label=one.label,
            app=one.app,
            variant=one.variant,
            standing=worst((answer.standing for answer in one.answers), otherwise="failed"),
            figures={CAPACITY.title: one.answer_text},
            cell=next(iter(of_place.values())),
        )
        found.setdefault(one.endpoint, []).append(row)
    return [_answer(campaign, endpoint, "", CAPACITY, rows, "") for endpoint, rows in found.items()]


def _row(campaign: LoadedCampaign, group: Group, metric: Figure, beside: Sequence[Figure]) -> Row:
    figures = {one.title: group.told(one.key, group.mean(one.key)) for one in beside}
    cell = cell_of(campaign, metric, group.label, group.records)
    return Row(
        group.label,
        group.app,
        group.first.variant,
        group.standing,
        figures,
        cell,
        group=group,
        gave_out=gave_out.of_trials(group.counted),
    )


def _metric(campaign: LoadedCampaign, members: Sequence[Group]) -> tuple[Figure, str]:
    """Return the figure that ranks these groups, and the words that say why it is the p99."""
    asked = members[0].first.load.rate_rps
    cells = [cell_of(campaign, GOODPUT, group.label, group.records) for group in members]
    means = [cell.mean for cell in cells if cell.spans and cell.mean is not None]
    if asked is None or not means or min(means) < ANSWERS_ALL * asked:
        return GOODPUT, ""
    who = "It answers" if len(means) == 1 else "Both answer" if len(means) == 2 else "All answer"
    return P99, f"{who} the {rate(asked)}/s asked. "


def _answer(
    campaign: LoadedCampaign,
    endpoint: str,
    load: str,
    metric: Figure,
    rows: list[Row],
    opening: str,
) -> Answer:
    if campaign.calibration:
        sentence = (
            "A calibration: generator and server shared one host, so the apps are not ranked."
        )
        return Answer(endpoint, load, metric, sentence, rows, [])
    ranked = sorted(
        (row for row in rows if row.cell.spans),
        key=lambda row: row.cell.mean or 0,
        reverse=metric.more_is_better,
    )
    others = [row for row in rows if not row.cell.spans]
    ranked = _ranked(ranked, metric)
    baselines = ranked[:MOST_BASELINES] if len(ranked) > 1 else []
    ranked = [
        replace(row, ratios=tuple(_ratio_text(row, to) for to in baselines)) for row in ranked
    ]
    labels = [row.label for row in baselines]
    sentence = opening + _sentence(ranked, metric)
    return Answer(endpoint, load, metric, sentence, [*ranked, *others], labels)


def _ranked(rows: list[Row], metric: Figure) -> list[Row]:
    """Return the rows with their ranks and how the first one stands to each.

    They stay in their order, but those that the first is not told apart from stand beside it.
    """
    if not rows:
        return []
    first, rest = rows[0], rows[1:]
    pairs = [(first.cell, row.cell) for row in rest]
    found = [in_one_campaign(*(pair if metric.more_is_better else pair[::-1])) for pair in pairs]
    chances = holm([one.chance_outside(1, 1) for one in found])
    told = [_told(one, chance) for one, chance in zip(found, chances, strict=True)]
    compared = [
        replace(row, first_is=one, told=how)
        for row, one, how in zip(rest, found, told, strict=True)
    ]
    tied = [row for row in compared if row.told in TIED]
    placed = [replace(row, rank="1=" if tied else "1") for row in (first, *tied)]
    behind = [row for row in compared if row.told not in TIED]
    for row in behind:
        placed.append(replace(row, rank=str(len(placed) + 1)))
    return placed


def _told(found: Estimate, chance: float) -> Told:
    if found.how == "one trial":
        return "one trial"
    if chance <= 1 - CONFIDENCE:
        return "ahead"
    factor = 1 + DEFAULT_TOLERANCE_PERCENT / 100
    return "level" if judge(found, factor, more_is_better=True) == "same" else "undecided"


def _ratio_text(row: Row, to: Row) -> str:
    """Return the ratio of two rows with its interval, such as '1.60 (1.30 to 1.80)'."""
    if row is to:
        return "1"
    found = in_one_campaign(row.cell, to.cell)
    value = MISSING if found.value is None else number(found.value)
    if found.how == "one trial" or found.value is None or math.isinf(found.value):
        return value
    return f"{value} ({interval_text(found.low, found.high)})"


def _sentence(ranked: list[Row], metric: Figure) -> str:
    """Return who is ahead, by how much, and which differences cannot be told here."""
    if not ranked:
        return "No trial counts, so there is no answer."
    first, rest = ranked[0], ranked[1:]
    if not rest:
        told = ", ".join(f"{title} {figure}" for title, figure in first.figures.items())
        return f"{first.label}: {told}. There is no other to set it beside."
    _, alone, beside, _ = WORDS[metric.key]
    tied = [row for row in rest if row.told in TIED]
    behind = [row for row in rest if row.told not in TIED]
    sentence = [_tied(first, tied, metric)] if tied else []
    if behind:
        opening = beside if tied else f"{first.label} {alone}"
        clauses = [f"{opening} {_times(behind[0], metric, behind[0].label)}".strip()]
        if len(behind) > 1:
            clauses.append("and " + _times(behind[-1], metric, f"the last, {behind[-1].label}"))
        sentence.append(", ".join(clauses))
    return f"{'; '.join(sentence)}. {_least(rest)}"


def _tied(first: Row, tied: list[Row], metric: Figure) -> str:
    """Return which rows the first is not told apart from, and how far the last of them is off."""
    level = f"level within {DEFAULT_TOLERANCE_PERCENT:g} %"
    how = level if all(row.told == "level" for row in tied) else "not told apart"
    names = [row.label for row in (first, *tied)]
    if len(names) > MOST_NAMED + 1:
        names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} others"]
    who = f"{listed(names)} are {how}"
    last = tied[-1]
    if first.cell.mean == last.cell.mean == 0:
        return f"{who}: {'both' if len(tied) == 1 else 'all'} are zero"
    figure, found = WORDS[metric.key][0], last.first_is
    if found is None or found.value is None:
        return f"{who}: how the {figure} of {last.label} stands to the first's is not known"
    # The ratio is above 1 where the first is better
    of, to = ("the first", last.label) if metric.more_is_better else (last.label, "the first")
    times = f"{number(found.value)} times that of {to} ({found.interval()})"
    return f"{who}: {figure} of {of} is {times}"


def _times(row: Row, metric: Figure, name: str) -> str:
    """Return how the first stands to a row: '1.6 times as many as Django (1.3 to 1.8)'."""
    size, interval = _ratio(row)
    return WORDS[metric.key][-1].format(other=name, size=size) + interval


def _ratio(row: Row) -> tuple[str, str]:
    """Return how the first stands to a row, and the interval as it stands behind it."""
    found = row.first_is
    if found is None or found.value is None:
        return "an unknown number of", ""
    if math.isinf(found.value):
        return "infinitely many", ", which has none"
    return number(found.value), "" if found.how == "one trial" else f" ({found.interval()})"


def _least(rest: list[Row]) -> str:
    """Return which differences from the first could not be told apart with such trials."""
    if any(row.told == "one trial" for row in rest):
        return "With one trial, nothing tells how sure that is."
    found = [row.first_is for row in rest if row.first_is is not None]
    shown = (one.could_show((1 - CONFIDENCE) / len(rest)) for one in found)
    known = sorted(one for one in shown if one is not None and one > 1)
    if known:
        least, most = (difference_text(one) for one in (known[0], known[-1]))
        span = least if least == most else f"{least} to {most}, by app,"
        return f"Differences under {span} are often not told apart here."
    return (
        "The intervals say what is told apart here; the smallest difference that would be is not "
        f"known: {_why_not_known(found)}."
    )


def _why_not_known(found: Sequence[Estimate]) -> str:
    """Return why no ratio says which differences such trials would tell apart."""
    trials = max((min(one.trials) for one in found), default=0)
    if trials < MIN_TRIALS_FOR_INTERVAL:
        return f"that takes {MIN_TRIALS_FOR_INTERVAL} trials of an app"
    if any(one.bounds_only for one in found):
        return "of the figures only bounds are known"
    return "the trials of an app are all alike, or its figure is zero"
