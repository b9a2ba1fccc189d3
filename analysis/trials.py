"""Decide which trials count, say why others do not, and bring the trials of a cell together.

A valid run counts. A doubtful run counts, too, and its doubts are named beside the figure. A run
that is invalid, failed or interrupted does not count. Summaries, charts, claims and comparisons all
use the functions of this module. They are pure.
"""

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.in_one import FEW, in_one, told_of, without_numbers
from analysis.ratio import Span, finite, mean
from testbed.host_roles import ROLES
from testbed.model.results import RunRecord, Standing

WORST_LAST: tuple[Standing, ...] = ("valid", "doubtful", "invalid", "failed", "interrupted")
WITHOUT_FIGURES: tuple[Standing, ...] = ("failed", "interrupted")
# Checks whose remarks are on response times
SAY_WHY_BOUNDED = ("censored", "untimed", "failed_answers")
NOT_OBTAINED = "This figure was not obtained."
OF_A_TOOL = "the generator's output"  # with which such a finding begins
SHORT = 100  # characters of a doubt that is told in another sentence
NOT_COUNTED: tuple[Standing, ...] = ("invalid", *WITHOUT_FIGURES)


@dataclass(frozen=True)
class CellTrials:
    """What the trials of one cell measured of one figure: one side of a ratio, or a share."""

    label: str  # 'Django + Gunicorn, agents (part constant_rate)'
    spans: list[Span]  # of the trials that count
    planned: int  # how many trials were planned
    # A sentence for each trial that is not counted
    left_out: list[str] = field(default_factory=list)
    # A sentence for each doubt about counted trials
    doubtful: list[str] = field(default_factory=list)
    calibration: bool = False
    numbers: list[int] = field(default_factory=list)  # of the trials of `spans`, where known
    # Gives the figure over the trials of these numbers together; None: it is their mean
    merge: Callable[[Sequence[int]], Span | None] | None = field(
        default=None, compare=False, repr=False
    )
    bounds: list[str] = field(default_factory=list)  # a sentence on figures known by bounds only
    # The trials up to this number decided how many were made in all; None: that was fixed
    first_trials: int | None = None

    @property
    def measured(self) -> bool:
        """Whether any trial of the cell was made."""
        return bool(self.spans or self.left_out)

    @property
    def mean(self) -> float | None:
        """The mean of the trials' printed values; None if no trial counts.

        Of a percentile, it is that of all trials merged.
        """
        together = self.merged(self.numbers)
        if together is not None:
            return together.value
        return mean(self.spans) if self.spans else None

    def merged(self, numbers: Sequence[int]) -> Span | None:
        """Return the figure merged over the trials of these numbers; None if it is their mean."""
        return self.merge(numbers) if self.merge and numbers else None

    @property
    def lower_bound(self) -> bool:
        """Whether any trial's figure, and therefore the mean, is only a lower bound."""
        return any(span.open for span in self.spans)

    @property
    def bounded(self) -> bool:
        """Whether any trial's figure is known only by its bounds."""
        return any(not span.known for span in self.spans)

    def document(self) -> dict[str, Any]:
        """Return the cell's figures for JSON; an infinite one is None there."""
        return {
            "mean": finite(self.mean),
            "trials": [finite(span.value) for span in self.spans],
            "lower_bound": self.lower_bound,
            "trials_planned": self.planned,
            "calibration": self.calibration,
        }


def counts(record: RunRecord) -> bool:
    """Return whether the run counts: it is valid or doubtful."""
    return record.standing not in NOT_COUNTED


def counts_in_search(record: RunRecord) -> bool:
    """Return whether a run counts where the load is sought that an app bears: a ramp or a search.

    It counts, or is invalid by overload alone. A run without a single correct answer has no usable
    figures, but such an overload is what is looked for.
    """
    return counts(record) or record.overloaded


def summarised(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Return the trials that a summary takes: those that count.

    If none counts, return the invalid ones. They are shown and marked as invalid.
    """
    finished = [one for one in records if one.standing not in WITHOUT_FIGURES]
    return [record for record in finished if counts(record)] or finished


def worst(standings: Iterable[Standing], *, otherwise: Standing) -> Standing:
    """Return the worst of the standings, or `otherwise` if there are none."""
    return max(standings, key=WORST_LAST.index, default=otherwise)


def told_by(
    label: str,
    records: Sequence[RunRecord],
    planned: int,
    figure: Callable[[RunRecord], Span | None],
    merge: Callable[[Sequence[RunRecord]], Span | None] | None = None,
    rounding: str | None = None,
) -> CellTrials:
    """Return what the trials of a cell, one run each, measured of a figure.

    A run is left out if it does not count, or if `figure` returns None for it. `merge` gives the
    figure over several runs together, if that is not their mean. `rounding` is a sentence on how
    the tool rounds it, for figures that are known by bounds.
    """
    spans = {
        record.trial: span
        for record in sorted(records, key=lambda record: record.trial)
        if counts(record) and (span := figure(record)) is not None
    }
    left_out = [record for record in records if record.trial not in spans]
    cell = cell_trials(label, records, planned, spans, left_out)
    if cell.bounds and rounding:
        cell = replace(cell, bounds=[*cell.bounds, rounding])
    if merge is None:
        return cell

    def over(numbers: Sequence[int]) -> Span | None:
        return merge([record for record in records if record.trial in numbers])

    return replace(cell, merge=over)


def cell_trials(
    label: str,
    records: Sequence[RunRecord],
    planned: int,
    spans: Mapping[int, Span],
    left_out: Iterable[RunRecord],
) -> CellTrials:
    """Return the cell's spans, with sentences on the trials left out and those not measured.

    `spans` has the figures by the number of their trial.
    """
    why = why_left_out(left_out)
    if (missing := planned - len({record.trial for record in records})) > 0:
        why.append(f"{missing} trial{'s' if missing > 1 else ''} not measured.")
    return CellTrials(
        label=label,
        spans=list(spans.values()),
        numbers=list(spans),
        planned=planned,
        left_out=why,
        doubtful=doubts(records),
        calibration=any(record.calibration for record in records),
        bounds=_bounds(records, spans),
    )


def _bounds(records: Iterable[RunRecord], spans: Mapping[int, Span]) -> list[str]:
    """Return the sentences on why figures of trials that count are known by their bounds only.

    They are the remarks of validity checks on answers that were lost, late or wrong.
    """
    numbers = [number for number, span in spans.items() if not span.known]
    if not numbers:
        return []
    which = f"{'trial' if len(numbers) == 1 else 'trials'} {', '.join(map(str, numbers))}"
    why: dict[str, str] = {}
    for record in records:
        for finding in record.findings if record.trial in numbers else ():
            if finding.check in SAY_WHY_BOUNDED:
                why.setdefault(finding.check, f"{_clause(finding.sentence)}.")
    return [f"Known by its bounds only in {which}.", *why.values()]


def in_blocks(of: CellTrials, to: CellTrials) -> list[int]:
    """Return the numbers of the trials that count on both sides, in rising order.

    Where both cells belong to one campaign, each is a block: both were measured in it in turn.
    """
    return sorted(set(of.numbers) & set(to.numbers))


def spans_of(cell: CellTrials, numbers: Iterable[int]) -> list[Span]:
    """Return the figures of the trials with these numbers."""
    found = dict(zip(cell.numbers, cell.spans, strict=True))
    return [found[number] for number in numbers]


def reasons(record: RunRecord) -> list[str]:
    """Return sentences on why the run failed, is invalid or doubtful, and remarks on its figures.

    The list is empty for a valid run without remarks.
    """
    found = []
    if record.failure:
        word = record.standing.capitalize()
        found.append(f"{word} at '{record.failure.stage}': {record.failure.message}")
    elif record.output is None:
        found.append("Failed: no figures were recorded.")
    found += [f"Remark: {attempt}" for attempt in earlier_attempts(record)]
    ranked = sorted(record.findings, key=lambda finding: -WORST_LAST.index(finding.verdict))
    # A finding that leaves the run valid is a remark on how to read its figures.
    words = {"valid": "Remark", "doubtful": "Doubtful", "invalid": "Invalid"}
    found += [f"{words[finding.verdict]}: {finding.sentence}" for finding in ranked]
    if not found and record.verdict != "valid":
        found.append(f"{record.verdict.capitalize()}, and no reason was recorded.")
    return found


def earlier_attempts(record: RunRecord) -> list[str]:
    """Return where and why each attempt at this run failed that a resume repeated, in order."""
    return [
        f"earlier attempt {number} {'was interrupted' if one.interrupted else 'failed'} at "
        f"'{one.stage}': {one.message}"
        for number, one in enumerate(record.earlier_failures, start=1)
    ]


def why_left_out(records: Iterable[RunRecord]) -> list[str]:
    """Return why runs are left out, in a sentence for all whose reasons differ in numbers only."""
    alike: dict[str, dict[str, str]] = {}
    for record in records:
        word = None if counts(record) else record.standing.capitalize()
        told = (sentence for sentence in reasons(record) if word and sentence.startswith(word))
        why = next(told, NOT_OBTAINED).rstrip(".")
        alike.setdefault(without_numbers(why), {})[_which(record)] = why
    return [
        f"{_trials(list(one))}: "
        f"{textwrap.shorten(in_one(list(one.values())), 160, placeholder=' …')}."
        for one in alike.values()
    ]


def _trials(which: Sequence[str]) -> str:
    """Return 'Trial 1', 'Trials 1; 2' or, of more than FEW, their number and the first."""
    if len(which) > FEW:
        return f"{len(which)} trials, among them {which[0]}"
    return f"Trial{'s' if len(which) > 1 else ''} {'; '.join(which)}"


def doubts(records: Iterable[RunRecord]) -> list[str]:
    """Return each doubt about the runs that count once, with the trials that it applies to.

    If it applies to more than FEW runs, the sentence has their number.
    """
    counted = [record for record in records if counts(record)]
    return [
        f"{in_one(list(clauses.values()))} ({_at(list(clauses), len(counted))})."
        for clauses in _clauses(counted).values()
    ]


def doubts_by_check(records: Iterable[RunRecord]) -> dict[str, list[str]]:
    """Return by check the first clause of what it says of each run that counts and is doubtful.

    The runs may be of several cells, in each of which there is such a trial.
    """
    found: dict[str, list[str]] = {}
    for record in filter(counts, records):
        for check, clauses in _clauses([record]).items():
            found.setdefault(check, []).extend(clauses.values())
    return found


def spoilt_by_check(records: Iterable[RunRecord]) -> dict[str, list[str]]:
    """Return by check, or by stage of a failure, the first clause of why runs do not count."""
    found: dict[str, list[str]] = {}
    for record in records:
        if counts(record):
            continue
        if record.failure:
            stage = f"{record.standing} at '{record.failure.stage}'"
            found.setdefault(stage, []).append(stage)
        for finding in record.findings:
            if finding.verdict == "invalid":
                found.setdefault(finding.check, []).append(_clause(finding.sentence))
    return found


def _clauses(counted: Iterable[RunRecord]) -> dict[str, dict[str, str]]:
    """Return by check the first clause of what it says of each doubtful run, by its trial."""
    found: dict[str, dict[str, str]] = {}
    for record in counted:
        if record.standing == "doubtful":
            for finding in record.findings:
                if finding.verdict == "doubtful":
                    of_check = found.setdefault(finding.check, {})
                    of_check.setdefault(_which(record), _clause(finding.sentence))
    return found


def _at(which: Sequence[str], counted: int) -> str:
    """Return the trials that a doubt applies to, of so many runs that count."""
    if len(which) <= FEW:
        return _trials(which).lower()
    return f"in {told_of([f'trial {one}' for one in which], counted, 'runs')}"


def why_nothing_is_known(cells: Iterable[CellTrials]) -> str | None:
    """Return why some of the cells have no figure; None if each has at least one trial."""
    missing = [cell for cell in cells if not cell.spans]
    unmeasured = [cell.label for cell in missing if not cell.left_out]
    sentences = [f"Not measured: {'; '.join(unmeasured)}."] if unmeasured else []
    alike: dict[str, list[str]] = {}  # by what their trials are left out for
    for cell in missing:
        if cell.left_out:
            alike.setdefault(" ".join(cell.left_out), []).append(cell.label)
    sentences += [f"{'; '.join(labels)}: no trial counts. {why}" for why, labels in alike.items()]
    return " ".join(sentences) or None


def remarks_on(cells: Iterable[CellTrials]) -> list[str]:
    """Return sentences on how far the figures of these cells can be trusted.

    The list is empty if every planned trial counts and none is doubtful.
    """
    remarks, calibration = [], False
    for cell in cells:
        calibration |= cell.calibration
        if cell.spans and cell.left_out:
            counted = f"{len(cell.spans)} of {cell.planned} trials counted"
            remarks.append(f"{cell.label}: {counted}. {' '.join(cell.left_out)}")
        if cell.doubtful:
            remarks.append(f"{cell.label}: counted, but doubtful. {' '.join(cell.doubtful)}")
        if cell.spans and cell.bounds:
            remarks.append(f"{cell.label}: {' '.join(cell.bounds)}")
    if calibration:
        remarks.append("A calibration: the generator took its time from the server's.")
    return remarks


def _which(record: RunRecord) -> str:
    """Return the trial's number and, for a ramp, its step, such as '2, step u100'."""
    return record.run_id.rpartition("-t")[2].replace("-", ", step ")


def _clause(sentence: str) -> str:
    """Return the part of a sentence before its colon, and before it the host that it is about.

    The campaign's own report has the whole sentence.
    """
    first, *others = sentence.split(": ")
    if (first in ROLES or first == OF_A_TOOL) and others:
        first = f"{first}: {others[0]}"
    if len(first) > SHORT:
        first = first.partition(" (")[0]
    short = textwrap.shorten(first.rstrip("."), SHORT, placeholder=" …")
    return f"{short[:1].upper()}{short[1:]}"
