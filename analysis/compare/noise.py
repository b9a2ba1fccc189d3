"""Tell how much the figures of a place vary between campaigns though nothing was changed.

Two campaigns that were measured apart differ in more than their trials show: the hosts were warmer,
memory lay elsewhere, another neighbour was busy. How much was measured by `fab run-aa`, in several
campaigns of an app against itself. The variance of the logarithm of their means is what compare
adds to the interval, once for each of its two campaigns. It contains what the few trials of each
campaign left to chance, too, so that the interval is rather too wide than too narrow; what a
comparison could show allows for that (analysis/power.py). How well that variance is known follows
from the number of campaigns (its degrees of freedom).
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.compare.cells import CellLoad, Where
from analysis.figures import Figure
from analysis.intervals import Between
from testbed import store
from testbed.errors import TestbedError
from testbed.model.campaign import Campaign
from testbed.model.noise import Noise, NoiseCell, NoiseHost
from testbed.numbers import written_out

FOLDER = "noise"  # in the results folder
# With fewer than five campaigns, more than 5 of 100 equal campaigns of six cells are called worse
LEAST_FREEDOM = 4
REMEDY = (
    "measure both versions in one campaign (`fab run-ab`), or measure this place's noise once "
    "(`fab run-aa`)"
)


@dataclass(frozen=True)
class Known:
    """The noise between campaigns of one figure of a cell, and where that is known from."""

    between: Between
    basis: str  # 'measured in 20 campaigns of flask, 27 Nov 2026'


# The noise of a cell; None if it was not measured
NoiseOf = Callable[[Where, CellLoad, Figure], Known | None]


def said(percent: float) -> NoiseOf:
    """Return the noise that the user declares. Raises TestbedError for what is no percentage."""
    if not 0 <= percent < 100:
        raise TestbedError(
            f"--between: {written_out(percent)} % is no standard deviation of campaigns",
            remedy="give a percentage from 0 on and below 100, such as 2",
        )
    known = Known(Between(float(np.log1p(percent / 100)) ** 2, np.inf), "not measured, but said so")
    return lambda where, load, metric: known


def measured(folders: Iterable[Path], a: Campaign, b: Campaign) -> NoiseOf:
    """Return the noise of the place where both campaigns were measured.

    It is read from the results folders in which the campaigns' `folders` lie. A copy of a document
    shows nothing more, so it is left out. So is a campaign that another document has, too. Raises
    TestbedError, which names the file, for a document that does not fit.
    """
    places = {folder.resolve().parent / FOLDER for folder in folders}
    paths = [path for place in sorted(places) for path in sorted(place.glob("*.json"))]
    fitting: list[Noise] = []
    for one in (store.read(path, Noise) for path in paths):
        if fits(one, a, b) and one not in fitting:
            fitting.append(one)
    return lambda where, load, metric: of_cell(fitting, where, load, metric)


def fits(noise: Noise, a: Campaign, b: Campaign) -> bool:
    """Return whether the noise was measured where both campaigns were, under a kernel of either."""
    if {noise.place} != {a.place, b.place} or {noise.workload} != {a.workload, b.workload}:
        return False
    ours, theirs = hosts_of(a), hosts_of(b)
    same = [[one.model_copy(update={"kernel": ""}) for one in side] for side in (ours, theirs)]
    return same[0] == same[1] and noise.hosts in (ours, theirs)


def hosts_of(campaign: Campaign) -> list[NoiseHost]:
    """Return what a noise document says of the campaign's hosts."""
    found = [
        NoiseHost(
            role=host.role,
            hostname=host.hostname,
            cpu_model=host.cpu_model,
            cpus=host.cpus,
            kernel=host.kernel,
        )
        for host in campaign.hosts
    ]
    return sorted(found, key=lambda host: host.role)


def of_cell(noises: Sequence[Noise], where: Where, load: CellLoad, metric: Figure) -> Known | None:
    """Return the noise of one figure of a cell; None if it was not measured under this load.

    It is that of the same app, if it was measured, whatever its version; otherwise that of all apps
    that were, taken together. Only campaigns of the same version and variant are set beside each
    other.
    """
    fitting = [
        (noise, cell)
        for noise in noises
        for cell in noise.cells
        if (cell.endpoint, cell.metric) == (where.endpoint, metric.key)
        and CellLoad(cell.load, cell.search) == load
    ]
    fitting = [(n, cell) for n, cell in fitting if cell.app == where.app] or fitting
    cells = [cell for _, cell in fitting]
    between = pooled(cells)
    if between is None:
        return None
    dates = sorted(f"{noise.measured_from:%d %b %Y}" for noise, _ in fitting)
    names = sorted({cell.app for _, cell in fitting})
    count = sum(map(len, _of_campaigns(cells)))
    return Known(
        between,
        f"measured in {count} campaigns of {', '.join(names)}, {', '.join(dict.fromkeys(dates))}",
    )


def pooled(cells: Iterable[NoiseCell]) -> Between | None:
    """Return the variance between campaigns over all cells; None if they are too few."""
    alike = _of_campaigns(cells)
    logarithms = [np.log([mean for mean, _ in one]) for one in alike]
    freedom = sum(len(one) - 1 for one in logarithms)
    if freedom < LEAST_FREEDOM:
        return None
    squares = sum(float(((one - one.mean()) ** 2).sum()) for one in logarithms)
    by_trials = [math.log1p(percent / 100) ** 2 for one in alike for _, percent in one]
    return Between(squares / freedom, freedom, math.fsum(by_trials) / len(by_trials))


def _of_campaigns(cells: Iterable[NoiseCell]) -> list[list[tuple[float, float]]]:
    """Return the campaigns' means, in a list for each version and variant of an app.

    With each is what its trials leave to chance, in percent, or 0 where that is not known. A
    campaign that several documents have is taken once. It is known by when it began, since a place
    bears one campaign at a time.
    """
    alike: dict[tuple[str, str | None, str], dict[Hashable, tuple[float, float]]]
    alike = defaultdict(dict)
    for number, cell in enumerate(cells):
        campaigns: Sequence[Hashable] = cell.began or [(number, n) for n in range(len(cell.means))]
        by_trials = cell.by_trials_sd_percent or [0.0] * len(cell.means)
        figures = zip(cell.means, by_trials, strict=True)
        alike[cell.app, cell.digest, cell.variant] |= zip(campaigns, figures, strict=True)
    return [list(means.values()) for means in alike.values()]
