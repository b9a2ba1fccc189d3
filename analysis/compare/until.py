"""Tell a campaign that watches ratios how many trials are needed, and what the ratios came to."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from analysis.compare.cells import COMPARABLE, CellLoad, Where, trials_of
from analysis.compare.rule import DEFAULT_KEYS
from analysis.figures import Figure
from analysis.intervals import trials_needed as stein
from analysis.load import LoadedCampaign, load
from analysis.pairs import in_pairs
from analysis.trials import CellTrials, in_blocks, spans_of
from testbed.errors import TestbedError
from testbed.model.campaign import Until
from testbed.numbers import rough


@dataclass(frozen=True)
class Watched:
    """The ratio of one figure of two cells."""

    text: str  # 'agents, Goodput/s: flask / django'
    of: CellTrials
    to: CellTrials


def ratios(loaded: LoadedCampaign, asked: Until) -> list[Watched]:
    """Return every ratio that the campaign watches: of two apps, or of two variants of one."""
    return [
        found for key in asked.metrics or DEFAULT_KEYS for found in _ratios(loaded, COMPARABLE[key])
    ]


def _ratios(loaded: LoadedCampaign, metric: Figure) -> Iterator[Watched]:
    cells: list[tuple[Where, CellLoad, CellTrials]] = [
        (where, cell_load, told)
        for where, loads in trials_of(loaded, metric, "").items()
        for cell_load, told in loads.items()
    ]
    for (to, load_a, b), (of, load_b, a) in combinations(cells, 2):
        if load_a != load_b or of.endpoint != to.endpoint:
            continue
        if (of.app == to.app) == (of.variant == to.variant):
            continue
        names = (of.app, to.app) if of.app != to.app else (of.variant, to.variant)
        where = f"{of.endpoint}, {load_a.text}, {metric.title}"
        yield Watched(f"{where}: {names[0]} / {names[1]}", a, b)


def trials_needed(folder: Path) -> int:
    """Return how many trials the campaign in a folder needs in all, by its first ones.

    It is the number that the ratio needs that scatters most, or the most that were allowed. A ratio
    of which fewer than two blocks count, or a figure is known by its bounds only, has no say.
    """
    loaded, asked = _watching(folder)
    needed = asked.first_trials
    for one in ratios(loaded, asked):
        first = [n for n in in_blocks(one.of, one.to) if n <= asked.first_trials]
        sides = [spans_of(side, first) for side in (one.of, one.to)]
        if len(first) < 2 or not all(span.known for side in sides for span in side):
            continue
        of, to = (np.array([span.value for span in side]) for side in sides)
        wanted = float(stein(of, to, asked.percent))
        needed = max(needed, math.ceil(min(wanted, asked.most_trials)))
    # as many blocks AB as BA, if that may be
    return min(needed + needed % 2, asked.most_trials)


def told(folder: Path) -> str:
    """Return the ratios that the campaign watched, with intervals, as lines of text."""
    loaded, asked = _watching(folder)
    lines = []
    for one in ratios(loaded, asked):
        found = in_pairs(one.of, one.to)
        if found is None or found.value is None or not 0 < found.value < math.inf:
            lines.append(f"{one.text}: not known; fewer than two blocks count, or one side is zero")
            continue
        reach = math.sqrt(found.high / found.low) if found.low else math.inf
        wide = "" if 100 * (reach - 1) <= asked.percent + 1e-9 else ", not as narrow as asked for"
        percent = f"{rough(100 * (reach - 1))} %" if reach < math.inf else "without end"
        lines.append(
            f"{one.text}: {found.text} ({found.label}: {found.interval()}; reaches {percent}{wide})"
        )
    return "\n".join(lines)


def check(metrics: list[str]) -> None:
    """Raise TestbedError for a figure that does not exist, or whose ratios are not watched."""
    known = [key for key in COMPARABLE if key != "capacity_rps"]
    for key in metrics:
        if key not in known:
            raise TestbedError(f"unknown metric '{key}'", remedy=f"one of: {', '.join(known)}")


def _watching(folder: Path) -> tuple[LoadedCampaign, Until]:
    loaded = load(folder)
    if loaded.campaign.until is None:
        raise TestbedError(f"campaign {loaded.campaign.campaign} watches no ratio")
    check(loaded.campaign.until.metrics)
    return loaded, loaded.campaign.until
