"""Say how far the answers to a question can be trusted. Pure functions."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from analysis import capacities, findings
from analysis.compare.cells import CAPACITY
from analysis.in_one import told_of
from analysis.load import LoadedCampaign
from analysis.question.cells import Cell
from analysis.trials import NOT_COUNTED, remarks_on, why_nothing_is_known
from testbed.model.question import QuestionPlan

NEAR_THE_MOST = 0.8  # of what the connections of the load carry


def remarks(campaign: LoadedCampaign, plan: QuestionPlan, cells: Sequence[Cell]) -> list[str]:
    """Return sentences on how far the figures can be trusted; none is there twice.

    A doubt that many cells share is one sentence.
    """
    told = [cell.trials(CAPACITY) for cell in cells]
    unfinished = capacities.unfinished(campaign)
    why = why_nothing_is_known(told)
    sentences = [
        *([f"Searches without an answer: {'; '.join(unfinished)}."] if unfinished else []),
        *([why] if why else []),
        *remarks_on([replace(one, doubtful=[]) for one in told]),
        *_doubts(cells),
        *_near_the_most(campaign, plan, cells),
    ]
    return list(dict.fromkeys(sentences))


def _doubts(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield each doubt about the probes that decide answers, with its most frequent words."""
    decide = {
        record.run_id: (record, cell.trials(CAPACITY).label)
        for cell in cells
        for answer in cell.answers
        if answer.standing not in NOT_COUNTED
        for record in answer.deciding
    }
    for checked in findings.by_check([record for record, _ in decide.values()]):
        if checked.verdict != "doubtful":
            continue
        most = checked.alike[0].sentence.rstrip(".")
        labels = list(dict.fromkeys(decide[run][1] for run in checked.runs))
        where = told_of(labels, len(cells), "cells")
        many = f"{len(checked.runs)} of {len(decide)} probes ({where})"
        yield f"Counted, but doubtful, in {many}: {most}."


def _near_the_most(
    campaign: LoadedCampaign, plan: QuestionPlan, cells: Sequence[Cell]
) -> Iterator[str]:
    """Yield where the connections of the load may have been too few for the capacity."""
    load = campaign.campaign.asked.get("load")
    connections = load.get("connections") if isinstance(load, dict) else None
    if not plan.of_latency or not connections or not isinstance(connections, int):
        return
    for cell in cells:
        capacity = cell.value(CAPACITY)
        if not capacity or isinstance(cell.point, str) or not cell.point:
            continue
        carried = connections / (cell.point / 1000)
        if capacity > NEAR_THE_MOST * carried:
            yield (
                f"{cell.trials(CAPACITY).label}, {cell.endpoint}: the load's {connections:,} "
                f"connections carry {carried:,.0f}/s at most at this latency, which is near "
                "its capacity: it may serve more than was asked."
            )
