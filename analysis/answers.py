"""Answer for each endpoint which app is ahead, by how much, and how sure that is. Pure functions.

Apps under the same load are ranked by their capacity where it was searched for, otherwise by their
goodput. Where each of them answers what was asked, they are ranked by the p99 of response time. The
ratio of two cells and its interval are those of `compare` for two versions in one campaign
(analysis/ranking.py). A calibration is not ranked, and neither are the steps of a ramp, which has
answers of its own (analysis/ramp.py). analysis/answer_words.py has the words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from analysis import answer_words, capacities, gave_out, ramp
from analysis.answer_words import GOODPUT, P99, RATIO_HEADS
from analysis.columns import is_shown
from analysis.compare.cells import CAPACITY, CellLoad, Where, cell_of, trials_of
from analysis.figures import BY_KEY, SHOWN_COSTS, Figure
from analysis.groups import Group, endpoints, groups, label, load_text
from analysis.load import LoadedCampaign
from analysis.ranking import Row, ranked, ratio_text
from analysis.trials import CellTrials, doubts_by_check, spoilt_by_check, worst
from testbed.model.question import UPSTREAM, point_text
from testbed.numbers import rate

ANSWERS_ALL = 0.99  # of the asked rate: an app that reaches it answers what was asked
MOST_BASELINES = 6  # to choose from: each takes a ratio and its interval in every row
# The figures of the ranked table; costs only of campaigns whose hosts reported them
BESIDE = (GOODPUT, P99, *(BY_KEY[key] for key in SHOWN_COSTS))


@dataclass(frozen=True)
class Answer:
    """What was found for one endpoint under one load."""

    endpoint: str
    load: str  # in words; empty if the endpoint was put under one load only
    metric: Figure
    sentence: str  # who is ahead, and by how much
    how_sure: str  # in sentences; empty if nothing is ranked by what was measured
    rows: list[Row]  # the best first; those without a rank last
    baselines: list[str]  # labels of rows; empty if nothing is compared

    @property
    def ratio_head(self) -> tuple[str, str]:
        """The head of the ratios, before and behind the name of the baseline."""
        return RATIO_HEADS[self.metric.key]

    @property
    def tied(self) -> bool:
        """Whether several share the first place."""
        return any(row.rank == "1=" for row in self.rows)

    @property
    def has_intervals(self) -> bool:
        """Whether any ratio has an interval."""
        return any("(" in text for row in self.rows for text in row.ratios)


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


def ramp_how_sure(campaign: LoadedCampaign) -> str:
    """Return how sure the answers of a ramp are, in sentences; an empty text if it is none.

    A step that is invalid by overload alone counts: it is what is looked for.
    """
    records = [run.record for run in campaign.runs]
    if ramp.of(campaign) is None or not records:
        return ""
    trials = len({record.trial for record in records})
    basis = (
        "There is one trial: ranges in brackets go from step to step; how far chance moves them is "
        "not known."
        if trials == 1
        else f"Ranges in brackets hold what was seen in {trials} trials."
    )
    standings = ["valid" if record.overloaded else record.standing for record in records]
    told = answer_words.counted(standings, [doubts_by_check(records)], [], "steps")
    return f"{basis} {told}".strip()


def places(found: Sequence[Answer]) -> dict[str, int]:
    """Return where each group of runs stands in the answers, by the id of its first run."""
    rows = [row for answer in found for row in answer.rows]
    return {row.group.first.run_id: place for place, row in enumerate(rows) if row.group}


def _of_searches(campaign: LoadedCampaign) -> list[Answer]:
    points = _points(campaign)
    found: dict[tuple[str, str], list[Row]] = {}
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
            standings=tuple(answer.standing for answer in one.answers),
            doubts=_doubts_of_searches(one.answers),
        )
        found.setdefault((one.endpoint, points.get(one.variant, "")), []).append(row)
    order = ["", *points.values()]
    at = sorted(found, key=lambda key: (endpoints(campaign).index(key[0]), order.index(key[1])))
    return [_answer(campaign, *key, CAPACITY, found[key], "") for key in at]


def _points(campaign: LoadedCampaign) -> dict[str, str]:
    """Return by variant at which point of a question it was measured, in words and in their order.

    Stacks are ranked at each point by itself. It is empty for other campaigns, and of one point.
    """
    asked = campaign.campaign.question
    if asked is None or len(asked.points) < 2:
        return {}
    about = "{} ms of latency" if asked.swept == UPSTREAM else f"{asked.swept} {{}}"
    order = sorted(asked.cells, key=lambda cell: asked.points.index(cell.point))
    return {cell.variant: about.format(point_text(cell.point)) for cell in order}


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
        standings=tuple(record.standing for record in group.records),
        doubts=doubts_by_check(group.records),
        spoilt=spoilt_by_check(group.records),
    )


def _metric(campaign: LoadedCampaign, members: Sequence[Group]) -> tuple[Figure, str]:
    """Return the figure that ranks these groups, and the words that say why it is the p99.

    Where one of them has no p99, they are ranked by goodput, which all have.
    """
    asked = members[0].first.load.rate_rps
    cells = [cell_of(campaign, GOODPUT, group.label, group.records) for group in members]
    counted = [group for group, cell in zip(members, cells, strict=True) if cell.spans]
    means = [cell.mean for cell in cells if cell.spans and cell.mean is not None]
    if asked is None or not means or min(means) < ANSWERS_ALL * asked:
        return GOODPUT, ""
    who = "It answers" if len(means) == 1 else "Both answer" if len(means) == 2 else "All answer"
    timed = all(cell_of(campaign, P99, one.label, one.records).spans for one in counted)
    return P99 if timed else GOODPUT, f"{who} the {rate(asked)}/s asked. "


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
        return Answer(endpoint, load, metric, sentence, "", rows, [])
    placed = ranked(rows, metric)
    others = [row for row in rows if not row.cell.spans]
    baselines = placed[:MOST_BASELINES] if len(placed) > 1 else []
    shown = [
        replace(row, ratios=tuple(ratio_text(one, row, metric) for one in baselines))
        for row in placed
    ]
    sentence = opening + answer_words.sentence(placed, metric)
    if placed and others:
        sentence += f" No trial of {answer_words.names([row.label for row in others])} counts."
    if left_out := _not_measured(campaign, endpoint, load, rows):
        sentence += f" Not measured here: {answer_words.names(left_out)}."
    noun = "searches" if metric is CAPACITY else "runs"
    how_sure = answer_words.how_sure(placed, others, metric, noun)
    labels = [row.label for row in baselines]
    return Answer(endpoint, load, metric, sentence, how_sure, [*shown, *others], labels)


def _not_measured(
    campaign: LoadedCampaign, endpoint: str, load: str, rows: Iterable[Row]
) -> list[str]:
    """Return the names of those that have runs on other endpoints only."""
    here, points = {(row.app, row.variant) for row in rows}, _points(campaign)
    return list(
        {
            (run.record.app, run.record.variant): label(run.record)
            for run in campaign.runs
            if run.record.endpoint != endpoint
            and (run.record.app, run.record.variant) not in here
            and points.get(run.record.variant, load) == load
        }.values()
    )


def _doubts_of_searches(found: Iterable[capacities.SearchAnswer]) -> dict[str, list[str]]:
    """Return by check what makes searches doubtful: a clause for each search."""
    doubts: dict[str, list[str]] = {}
    for one in found:
        if one.standing == "doubtful":
            for check, clauses in doubts_by_check(one.deciding).items():
                doubts.setdefault(check, []).append(clauses[0])
    return doubts
