"""Judge whether campaigns are better or worse than a baseline, cell by cell. Pure functions.

A cell is an endpoint, an app, a variant and a load. For each figure, the ratio B/A of the means
over the trials that count is judged, with the interval that analysis/ratio.py gives it. A is the
baseline; of several campaigns that are compared with it, each is judged as B is here.

With a tolerance of t percent, ratios from 1 / (1 + t/100) to 1 + t/100 are 'the same', so that the
verdict does not depend on which campaign is called A:

- same: the whole interval lies within the tolerance, or both sides are zero;
- worse, better: the whole interval lies outside of it, on the bad or on the good side, and still
  does after Holm's correction for the number of cells and figures that are compared at once, in
  all campaigns;
- undecided: neither, so more trials would tell; or a side has one trial, which decides nothing; or
  the noise between two campaigns is not known;
- no data: a campaign does not have the cell, or no trial of a side counts;
- not comparable: one campaign was measured in a lab and the other on real hosts, the workloads or
  the loads differ, or one is a calibration and the other is not.

Two versions of an app in one campaign (`fab run-ab`) are compared in pairs of trials. Two campaigns
were measured apart, so their trials are not paired, and the noise of this place between campaigns
is added to their intervals (analysis/compare/noise.py). If it is not known, nothing is decided.

The figure of a capacity search is its answer: the rate that it found; where it has none, and of a
search by bisection, the range from the highest rate that met the objective up to the lowest that
missed it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from analysis import capacities
from analysis.compare.cells import CAPACITY, COMPARABLE, CellLoad, Where, trials_of
from analysis.compare.code import Changed, changes
from analysis.compare.differences import Difference, differences
from analysis.compare.noise import REMEDY, Known, NoiseOf
from analysis.figures import Figure
from analysis.groups import apps, endpoints
from analysis.intervals import CONFIDENCE, holm
from analysis.load import LoadedCampaign
from analysis.pairs import in_one_campaign, unpaired
from analysis.ratio import Estimate, Place, number, rounded
from analysis.trials import CellTrials, remarks_on, why_nothing_is_known
from analysis.verdict import NO_DATA, NOT_COMPARABLE, UNDECIDED, Open, why_undecided
from testbed.errors import TestbedError
from testbed.numbers import rough, written_out

CellVerdict = Literal["better", "same", "worse"] | Open
DEFAULT_KEYS = ("goodput_rps", "response_p99_us")
DEFAULT_TOLERANCE_PERCENT = 5.0
MOST_TOLERANCE_PERCENT = 1000.0  # beyond it, 'the same' would say nothing
MOST_WANTED_PERCENT = 10_000.0
WANTED_BEYOND_PERCENT = 3.0  # beyond the tolerance: a difference that comparisons should show
NOISE_UNKNOWN = (
    "were measured apart, and how much campaigns vary here without a cause was not measured: "
    f"{REMEDY}."
)


@dataclass(frozen=True)
class Cell:
    """One figure of one cell in both campaigns, judged."""

    where: Where
    app_title: str
    load: CellLoad  # in B, if A does not have the cell
    metric: Figure
    a: CellTrials
    b: CellTrials
    verdict: CellVerdict
    reason: str  # a sentence
    ratio: Estimate | None  # B/A; None: no data, or not comparable
    chance: float | None = None  # p-value of a difference beyond the tolerance; None: not tested
    chance_of_all: float | None = None  # the same after Holm's correction for all cells
    could_show: float | None = None  # the smallest true ratio above 1 that would mostly be shown
    noise: Known | None = None  # between campaigns; None: not known, or the sides are of one
    # Trials a side that would mostly show the wanted difference; None: not known, or no number
    trials_wanted: int | None = None

    @property
    def remarks(self) -> list[str]:
        """Sentences on how far the compared figures can be trusted; often an empty list."""
        return remarks_on([self.a, self.b]) if self.ratio else []


@dataclass(frozen=True)
class Side:
    """A campaign that is compared with the baseline, and what its tables call it."""

    label: str  # 'B'
    campaign: LoadedCampaign
    noise: NoiseOf | None  # between it and the baseline; None: both were measured in one campaign


@dataclass(frozen=True)
class Comparison:
    """Two campaigns, or two versions in one campaign, side by side."""

    label: str  # of b, such as 'B'; the baseline is 'A'
    a: LoadedCampaign
    b: LoadedCampaign
    together: bool  # whether A and B were measured in one campaign
    tolerance_percent: float
    wanted_percent: float  # a difference that is wanted to be shown
    cells: list[Cell]
    code: list[Changed]  # apps and workload whose files differ
    differences: list[Difference]  # of everything else that was recorded

    @property
    def obstacle(self) -> str | None:
        """Why no cell at all can be compared; None if cells can be compared."""
        return obstacle(self.a, self.b, self.label)

    @property
    def verdicts(self) -> Counter[CellVerdict]:
        """How many cells have each verdict."""
        return Counter(cell.verdict for cell in self.cells)


def compare(
    a: LoadedCampaign,
    b: LoadedCampaign,
    metrics: Sequence[str],
    tolerance_percent: float,
    noise: NoiseOf | None,
    wanted_percent: float | None = None,
) -> Comparison:
    """Compare every cell of A and B, as `compare_all` does. `noise` is that between them."""
    side = Side("B", b, noise)
    return compare_all(a, [side], metrics, tolerance_percent, wanted_percent)[0]


def compare_all(
    a: LoadedCampaign,
    others: Sequence[Side],
    metrics: Sequence[str],
    tolerance_percent: float,
    wanted_percent: float | None = None,
) -> list[Comparison]:
    """Compare every cell of the baseline A with that of each other campaign.

    `metrics` are the keys of figures. If there are none, take DEFAULT_KEYS, and if all campaigns
    are searches, their capacity. The wanted difference is WANTED_BEYOND_PERCENT more than the
    tolerance unless given. Holm's correction is for the cells of all campaigns together, so that
    the chance to call any cell worse that is not stays what it is with one campaign.

    Raises TestbedError for an unknown metric or a percentage that cannot be.
    """
    wanted = check(metrics, tolerance_percent, wanted_percent)
    searches = all(capacities.searched(one) for one in [a, *(side.campaign for side in others)])
    keys = list(dict.fromkeys(metrics)) or ([CAPACITY.key] if searches else DEFAULT_KEYS)
    factor = 1 + tolerance_percent / 100
    of_sides = [
        [cell for key in keys for cell in _cells(a, side, COMPARABLE[key], factor)]
        for side in others
    ]
    if not any(of_sides):
        raise TestbedError(
            "no search of either campaign has an answer", remedy="take another --metric"
        )
    all_cells = [cell for cells in of_sides for cell in cells]
    corrected = iter(_corrected(all_cells, factor, 1 + wanted / 100))
    return [
        Comparison(
            side.label,
            a,
            side.campaign,
            side.noise is None,
            tolerance_percent,
            wanted,
            [next(corrected) for _ in cells],
            # the record of two versions in one campaign says itself what differs
            [] if side.noise is None else list(changes(a.campaign, side.campaign.campaign)),
            differences(a, side.campaign),
        )
        for side, cells in zip(others, of_sides, strict=True)
    ]


def check(metrics: Sequence[str], tolerance_percent: float, wanted_percent: float | None) -> float:
    """Return the wanted difference in percent. Raises TestbedError if any of these cannot be."""
    for key in metrics:
        if key not in COMPARABLE:
            raise TestbedError(f"unknown metric '{key}'", remedy=f"one of: {', '.join(COMPARABLE)}")
    if not 0 <= tolerance_percent <= MOST_TOLERANCE_PERCENT:
        raise TestbedError(
            f"the tolerance {written_out(tolerance_percent)} % is not a percentage from 0 to "
            f"{MOST_TOLERANCE_PERCENT:,.0f}",
            remedy="give 0 or more, such as 5",
        )
    wanted = tolerance_percent + WANTED_BEYOND_PERCENT if wanted_percent is None else wanted_percent
    if wanted > MOST_WANTED_PERCENT:
        raise TestbedError(
            f"the wanted difference {written_out(wanted)} % is more than "
            f"{MOST_WANTED_PERCENT:,.0f} %",
            remedy="want less, such as 8",
        )
    if not tolerance_percent < wanted:
        raise TestbedError(
            f"the wanted difference {written_out(wanted)} % is not more than the tolerance",
            remedy=f"up to {written_out(tolerance_percent)} % both are the same; lower "
            "--tolerance, or want more",
        )
    return wanted


def judge(found: Estimate, factor: float, *, more_is_better: bool) -> CellVerdict:
    """Return the verdict on a ratio B/A by the rule above; `factor` is 1 + tolerance."""
    place = _lies(found, factor)
    if place == "within":
        return "same"
    if place == "across":
        return UNDECIDED
    return "better" if (place == "above") == more_is_better else "worse"


def _lies(found: Estimate, factor: float) -> Place:
    return found.lies(rounded(1 / factor), rounded(factor))


def _corrected(cells: Sequence[Cell], factor: float, wanted: float) -> list[Cell]:
    """Return the cells with p-values corrected for their number, and verdicts that hold with them.

    'Better' and 'worse' that do not hold become 'undecided'. What a cell could show, and how many
    trials would show the ratio `wanted`, is computed for the strictest step of the correction.
    """
    tested = [cell.chance for cell in cells if cell.chance is not None]
    corrected = iter(holm(tested))
    found = []
    for cell in cells:
        alone = cell.chance
        if alone is None:
            found.append(cell)
            continue
        of_all = next(corrected)
        chance = (1 - CONFIDENCE) / len(tested)
        least = trials = None
        if cell.ratio is not None:
            least = cell.ratio.could_show(chance)
            trials = cell.ratio.trials_to_show(wanted / factor, chance)
        cell = replace(
            cell,
            chance_of_all=of_all,
            could_show=factor * least if least else None,
            trials_wanted=trials,
        )
        if cell.verdict in ("better", "worse") and of_all > 1 - CONFIDENCE:
            reason = (
                f"{cell.reason} But {len(tested)} were compared, so that one lies there by chance "
                f"more easily (p {rough(alone)}, by Holm's correction {rough(of_all)})."
            )
            cell = replace(cell, verdict=UNDECIDED, reason=reason)
        found.append(cell)
    return found


def _cells(a: LoadedCampaign, side: Side, metric: Figure, factor: float) -> list[Cell]:
    """Judge one figure of all cells: first those of A in its order, then those that only B has."""
    b, noise = side.campaign, side.noise
    of_a, of_b = trials_of(a, metric, "A"), trials_of(b, metric, side.label)
    titles = {run.record.app: run.record.app_title for one in (b, a) for run in one.runs}
    never = obstacle(a, b, side.label)
    found = []
    for where in _places(a, b):
        here, there = of_a.get(where, {}), of_b.get(where, {})
        for ours, theirs in _pairs(here, there):
            load = ours or theirs
            if load is None:
                continue
            side_a = here[ours] if ours else CellTrials("A", [], 0)
            side_b = there[theirs] if theirs else CellTrials(side.label, [], 0)
            known = None if noise is None else noise(where, load, metric)
            cell = Cell(where, titles[where.app], load, metric, side_a, side_b, "no data", "", None)
            cell = replace(cell, noise=known)
            if why_not := _why_not(never, ours, theirs, [side_a, side_b]):
                found.append(replace(cell, verdict=why_not[0], reason=why_not[1]))
            else:
                found.append(_judged(cell, factor, together=noise is None))
    return found


def _places(a: LoadedCampaign, b: LoadedCampaign) -> list[Where]:
    """Return all places of cells: endpoints and apps in A's order, then B's; variants by name."""
    records = [run.record for one in (a, b) for run in one.runs]
    variants = sorted({record.variant for record in records})
    return [
        Where(endpoint, app, variant)
        for endpoint in dict.fromkeys([*endpoints(a), *endpoints(b)])
        for app in dict.fromkeys([*apps(a), *apps(b)])
        for variant in variants
    ]


def _pairs(
    a: Mapping[CellLoad, CellTrials], b: Mapping[CellLoad, CellTrials]
) -> list[tuple[CellLoad | None, CellLoad | None]]:
    """Pair the equal loads of both sides; every other load stands by itself, beside None.

    If exactly one load of each side is left over, these two are paired, so that a sentence can say
    in what they differ.
    """
    only_a = [load for load in a if load not in b]
    only_b = [load for load in b if load not in a]
    pairs: list[tuple[CellLoad | None, CellLoad | None]] = [(load, load) for load in a if load in b]
    if len(only_a) == len(only_b) == 1:
        return [*pairs, (only_a[0], only_b[0])]
    return [*pairs, *((load, None) for load in only_a), *((None, load) for load in only_b)]


def obstacle(a: LoadedCampaign, b: LoadedCampaign, label: str) -> str | None:
    """Return why no cell at all can be compared; None if cells can be compared."""
    ours, theirs = a.campaign, b.campaign
    if ours.place != theirs.place:
        return f"A was measured on {_place(ours.place)}, {label} on {_place(theirs.place)}."
    if ours.workload != theirs.workload:
        return f"A is of the workload {ours.workload}, {label} of {theirs.workload}."
    if a.calibration != b.calibration:
        which = "A" if a.calibration else label
        return f"{which} is a calibration, with the generator on the server, the other is not."
    return None


def _place(place: str) -> str:
    return "a lab" if place == "lab" else "real hosts (metal)"


def _why_not(
    never: str | None, ours: CellLoad | None, theirs: CellLoad | None, sides: Sequence[CellTrials]
) -> tuple[Open, str] | None:
    """Return why a cell cannot be compared, as a verdict and a sentence; None if it can be."""
    if never:
        return NOT_COMPARABLE, never
    if ours is None or theirs is None:
        return NO_DATA, f"{sides[0 if ours is None else 1].label} does not have it."
    if ours != theirs:
        return NOT_COMPARABLE, f"Another load was asked: {ours.other_than(theirs)}."
    why = why_nothing_is_known(sides)
    return (NO_DATA, why) if why else None


def _judged(cell: Cell, factor: float, *, together: bool) -> Cell:
    """Return the cell with its verdict by itself, a sentence that gives the reason, and its ratio.

    Its p-value is None if there is nothing to test.
    """
    sides = [cell.a, cell.b]
    found = _ratio(cell, together=together)
    wanted = f"{number(1 / factor)} to {number(factor)}"
    if found.how == "one trial":
        return replace(
            cell, verdict=UNDECIDED, reason=why_undecided(found, wanted, sides), ratio=found
        )
    chance = found.chance_outside(rounded(1 / factor), rounded(factor))
    if all(span.low == span.high == 0 for side in sides for span in side.spans):
        return replace(cell, verdict="same", reason="Both are zero.", ratio=found, chance=chance)
    if not together and cell.noise is None:
        unknown = f"A and {cell.b.label} {NOISE_UNKNOWN}"
        return replace(cell, verdict=UNDECIDED, reason=unknown, ratio=found)
    verdict = judge(found, factor, more_is_better=cell.metric.more_is_better)
    of = f"{cell.b.label}/A, {found.interval()}, lies {_lies(found, factor)} {wanted}"
    reason = f"The {found.label} of {of}."
    if verdict == UNDECIDED:
        reason = why_undecided(found, wanted, sides)
    return replace(cell, verdict=verdict, reason=reason, ratio=found, chance=chance)


def _ratio(cell: Cell, *, together: bool) -> Estimate:
    """Return the ratio B/A: in pairs if measured together, else with the noise, if it is known."""
    if together:
        return in_one_campaign(cell.b, cell.a)
    return unpaired(cell.b, cell.a, None if cell.noise is None else cell.noise.between)
