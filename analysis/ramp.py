"""Find where slow-down and where errors begin in a ramp. Pure functions.

A ramp puts more and more users (or connections) on an app; the app is started fresh for each step.
Definitions:

- *Slow-down begins* at the first step whose 95th percentile of response time is more than twice
  that of the lightest step, and stays so at every heavier step. If the generator does not print the
  95th percentile, the 90th is taken, otherwise the median: the same one for all steps and trials of
  a ramp. It is that of the requests due: those without a correct answer are slower than all others.
  So a step is slow, too, if the percentile lies among them, however fast the app failed.
- *Errors begin* at the first step where at least 0.1 % of the requests failed or were not answered,
  and stay so at every heavier step. The percentage is of the requests due, or of those made if
  there was no schedule. Among fewer than 1000 requests, a single failure reaches 0.1 %.

Both are found for each trial by itself. A trial only says between which two steps the onset lies:
after the heaviest step that was still good, and no later than the first bad one. If no step was
bad, the onset lies beyond the heaviest step measured. A step whose run failed or is invalid is
unknown, which makes the range of the onset wider. One exception: if a run is invalid only because
not one request was answered, its step is slow and has errors.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from analysis.groups import label
from analysis.load import LoadedCampaign
from analysis.measured import errors_percent, percentile
from analysis.ratio import Span
from analysis.trials import counts_in_search
from testbed.model.results import RunRecord, Standing
from testbed.numbers import AT_LEAST, MISSING, milliseconds, percent, rough
from testbed.tools import due

SLOW_FACTOR = 2.0  # times the response time of the lightest step is slow
ERRORS_FROM_PERCENT = 0.1
PERCENTILES = ("95", "90", "50")  # the first that all steps of a ramp have
Of = Literal["connections", "users"]


@dataclass(frozen=True)
class Step:
    """One run of a ramp. A figure that the run lacks is None; `counts` says if it can be used."""

    size: int  # users or connections
    record: RunRecord
    standing: Standing
    # Microseconds; without an upper end: it lies among requests without a correct answer
    response: Span | None
    errors_percent: float | None

    @property
    def counts(self) -> bool:
        """Whether the run can show where slow-down and errors begin."""
        return counts_in_search(self.record)

    @property
    def response_text(self) -> str:
        """Its response time in milliseconds; the ramp's `percentile` names which one."""
        if self.response is None:
            return MISSING
        if math.isinf(self.response.value):
            return self._told("no answer")
        bound = AT_LEAST if self.response.high > self.response.low else ""
        return self._told(f"{bound}{milliseconds(self.response.value)}")

    @property
    def errors_text(self) -> str:
        """Its errors in percent; a share below 0.1 % is written with two significant digits."""
        share = self.errors_percent
        if share is None:
            return MISSING
        return self._told(f"{rough(share)} %" if 0 < share < 0.1 else percent(share))

    def _told(self, text: str) -> str:
        return text if self.counts else f"({text})"


@dataclass(frozen=True)
class Onset:
    """Where slow-down or errors begin in one trial: after one step and no later than another."""

    after: int | None  # the heaviest step still good; None: no lighter step is known
    at: int | None  # the first bad one; None: not reached
    up_to: int | None  # the heaviest step known; None: no step is

    @property
    def span(self) -> Span | None:
        """The onset as a figure: a lower bound if it was not reached, None if no step is known."""
        if self.at is not None:
            return Span(self.at, self.after or 0, self.at)
        return None if self.up_to is None else Span.at_least(self.up_to)


@dataclass(frozen=True)
class RampTrial:
    """One trial of a ramp, its steps in rising order."""

    number: int
    steps: list[Step]
    slowdown: Onset
    errors: Onset

    def step(self, size: int) -> Step | None:
        """Return the step of that size; None if it was not measured."""
        return next((step for step in self.steps if step.size == size), None)


@dataclass(frozen=True)
class Ramp:
    """All trials of one app, endpoint and variant."""

    label: str
    app: str
    endpoint: str
    variant: str
    percentile: str | None  # of response time, as '95'; None: the steps have none in common
    trials: list[RampTrial]

    @property
    def sizes(self) -> list[int]:
        """The sizes of all steps of any trial, in rising order."""
        return sorted({step.size for trial in self.trials for step in trial.steps})


@dataclass(frozen=True)
class Together:
    """An onset over several trials: the median, and the lowest and highest possible value."""

    # Whether the text is a number and its range, begins with 'beyond', or says that none was seen
    how: Literal["number", "beyond", "none"]
    text: str
    at: float | None  # None: not reached in more than half of the trials, or unknown
    low: float
    high: float  # infinite: not reached in at least one trial


def of(campaign: LoadedCampaign) -> Of | None:
    """Return what a ramp increases, users or connections; None if the campaign is not a ramp."""
    load = campaign.campaign.asked.get("load")
    ramp = load.get("ramp") if isinstance(load, dict) else None
    if not isinstance(ramp, dict):
        return None
    return "users" if ramp.get("of") == "users" else "connections"


def ramps(campaign: LoadedCampaign, endpoint: str | None = None) -> list[Ramp]:
    """Return the campaign's ramps, of one endpoint or all; an empty list if it is not a ramp."""
    if of(campaign) is None:
        return []
    by_cell: dict[tuple[str, str, str], list[RunRecord]] = {}
    for run in campaign.runs:
        record = run.record
        if endpoint in (None, record.endpoint):
            by_cell.setdefault((record.endpoint, record.app, record.variant), []).append(record)
    return [ramp(records, label(records[0])) for _, records in sorted(by_cell.items())]


def sentences(campaign: LoadedCampaign) -> list[str]:
    """Return where slow-down and errors begin: a sentence per app, endpoint and variant.

    The list is empty if the campaign is not a ramp.
    """
    what = of(campaign)
    if what is None:
        return []
    return [
        f"{one.label}, {one.endpoint}: {onsets_text(one.trials, what)}." for one in ramps(campaign)
    ]


def onsets_text(trials: Sequence[RampTrial], what: Of) -> str:
    """Return in words where slow-down and errors begin, over all trials."""
    slow = _begins(together([trial.slowdown for trial in trials], what), "begins ", "is")
    errors = _begins(together([trial.errors for trial in trials], what), "", "are")
    return f"slow-down {slow}, errors {errors}"


def _begins(onset: Together, begins: str, none: str) -> str:
    """Return where an onset is, behind its name; `none` is the verb if no step showed it."""
    if onset.how == "none":
        return f"{none} {onset.text}"
    return f"{begins}{'at ' if onset.how == 'number' else ''}{onset.text}"


def ramp(records: Sequence[RunRecord], name: str) -> Ramp:
    """Return the ramp that the runs of one cell make."""
    counted = [record for record in records if counts_in_search(record)]
    chosen = _common_percentile(counted or records)
    lightest = min(record.load.connections for record in records)
    by_trial: dict[int, list[RunRecord]] = {}
    for record in records:
        by_trial.setdefault(record.trial, []).append(record)
    return Ramp(
        label=name,
        app=records[0].app,
        endpoint=records[0].endpoint,
        variant=records[0].variant,
        percentile=chosen,
        trials=[_trial(n, runs, chosen, lightest) for n, runs in sorted(by_trial.items())],
    )


def onset(flags: Iterable[tuple[int, bool | None]]) -> Onset:
    """Return where the steps begin to be bad: at the first one from which all heavier ones are bad.

    Each flag is the size of a step and whether the step is bad, or None if that is not known.
    """
    known = [(size, bad) for size, bad in sorted(flags) if bad is not None]
    if not known:
        return Onset(None, None, None)
    good = [index for index, (_, bad) in enumerate(known) if not bad]
    first_bad = good[-1] + 1 if good else 0
    return Onset(
        after=known[first_bad - 1][0] if first_bad else None,
        at=known[first_bad][0] if first_bad < len(known) else None,
        up_to=known[-1][0],
    )


def together(onsets: Sequence[Onset], what: Of) -> Together:
    """Return one onset over all trials, as text and as a range."""
    spans = [span for one in onsets if (span := one.span) is not None]
    if not spans:
        return Together("none", "unknown, as no step shows it", None, 0, math.inf)
    low, high = min(span.low for span in spans), max(span.high for span in spans)
    middle = median(math.inf if math.isinf(span.high) else span.value for span in spans)
    never = sum(math.isinf(span.high) for span in spans)
    how: Literal["number", "beyond", "none"]
    if never == len(spans):
        how, text = "none", f"not reached up to {min(span.value for span in spans):,.0f} {what}"
    elif math.isinf(middle):
        how = "beyond"
        text = f"beyond {low:,.0f} {what}; not reached in {never} of {len(spans)} trials"
    else:
        how = "number"
        ends = f"from {low:,.0f}, {never} never" if never else f"{low:,.0f} to {high:,.0f}"
        text = f"{middle:,.0f} {what} ({ends})"
    return Together(how, text, None if math.isinf(middle) else middle, low, high)


def _trial(number: int, records: list[RunRecord], chosen: str | None, lightest: int) -> RampTrial:
    steps = sorted((_step(record, chosen) for record in records), key=lambda step: step.size)
    # None if the lightest step does not count or was not made: then no step can be called slow.
    usual = steps[0].response if steps[0].counts and steps[0].size == lightest else None
    limit = None if usual is None or math.isinf(usual.high) else usual
    return RampTrial(
        number=number,
        steps=steps,
        slowdown=onset(_flags(steps, lambda step: _slow(step.response, limit))),
        errors=onset(_flags(steps, lambda step: _reaches(step.errors_percent))),
    )


def _flags(steps: list[Step], bad: Callable[[Step], bool | None]) -> list[tuple[int, bool | None]]:
    return [(step.size, bad(step) if step.counts else None) for step in steps]


def _slow(response: Span | None, usual: Span | None) -> bool | None:
    """Return whether a step is slow; None if that is not known.

    It is not known where the bounds of its response time, or of the lightest step's, leave both
    open: too many requests went unanswered to decide.
    """
    if response is None or usual is None:
        return None
    if math.isinf(response.high) or response.low > SLOW_FACTOR * usual.high:
        return True  # with an infinite upper bound, it lies among those without a correct answer
    return False if response is usual or response.high <= SLOW_FACTOR * usual.low else None


def _reaches(percent: float | None) -> bool | None:
    return None if percent is None else percent >= ERRORS_FROM_PERCENT


def _step(record: RunRecord, chosen: str | None) -> Step:
    return Step(
        size=record.load.connections,
        record=record,
        standing=record.standing,
        response=_response(record, chosen),
        errors_percent=errors_percent(record),
    )


def _response(record: RunRecord, chosen: str | None) -> Span | None:
    found = None if record.output is None else due.correct(record.output)
    if found is not None and found.high == 0:  # not one correct answer
        return Span.exact(math.inf)
    return None if chosen is None else percentile(record, float(chosen))


def _common_percentile(records: Sequence[RunRecord]) -> str | None:
    outputs = [record.output for record in records if record.output is not None]
    answered = [one for one in outputs if (found := due.correct(one)) and found.high]
    if not answered:
        return None
    return next(
        (
            key
            for key in PERCENTILES
            if all(key in due.times(output).percentiles for output in answered)
        ),
        None,
    )
