"""Find where slow-down and where errors begin in a ramp. Pure functions.

A ramp puts more and more users (or connections) on an app, each step on a fresh one. Definitions:

- *Slow-down begins* at the first step whose 95th percentile of response time is more than twice
  that of the lightest step, and stays so at every heavier step. Where the generator prints no 95th
  percentile, the 90th is taken, else the median: the same one for all steps and trials of a ramp. A
  step that leaves so many requests unanswered that the percentile lies among them is slow.
- *Errors begin* at the first step where at least 0.1 % of the requests due (of those made, where no
  schedule says what was due) failed or were not answered, and so at every heavier step. Of fewer
  than 1000 requests, one failure is that many.

Both are found for each trial by itself. A trial says no more than between which two steps the onset
lies: after the heaviest step that was still good, and at the latest at the first bad one. A step
never reached is no figure: the onset lies beyond the heaviest step measured. Steps whose run failed
or is invalid are unknown; the onset is then known the less closely. Only where a run is invalid for
no other reason than that not one request was answered, the step is slow and has errors.
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
from testbed.model.results import RunRecord, Standing
from testbed.numbers import AT_LEAST, MISSING, milliseconds, percent

SLOW_FACTOR = 2.0  # times the response time of the lightest step
ERRORS_FROM_PERCENT = 0.1
OVERLOAD = {"no_good_answer"}  # checks of testbed.validity that overload fails by itself
PERCENTILES = ("95", "90", "50")  # the first that all steps of a ramp have
Of = Literal["connections", "users"]


@dataclass(frozen=True)
class Step:
    """One run of a ramp. What it does not tell is None; what it tells may not count."""

    size: int  # users or connections
    record: RunRecord
    standing: Standing
    response: Span | None  # microseconds; without an upper end: it lies among those unanswered
    errors_percent: float | None

    @property
    def counts(self) -> bool:
        """Whether the run tells where slow-down and errors begin."""
        return _counts(self.record)

    @property
    def response_text(self) -> str:
        """Its response time in milliseconds; which one stands in the ramp's `percentile`."""
        if self.response is None:
            return MISSING
        if math.isinf(self.response.value):
            return self._told("no answer")
        bound = AT_LEAST if self.response.high > self.response.low else ""
        return self._told(f"{bound}{milliseconds(self.response.value)}")

    @property
    def errors_text(self) -> str:
        """Its errors, in percent; shares below a tenth with the digits that tell them from none."""
        share = self.errors_percent
        if share is None:
            return MISSING
        return self._told(f"{share:.2g} %" if 0 < share < 0.1 else percent(share))

    def _told(self, text: str) -> str:
        return text if self.counts else f"({text})"


@dataclass(frozen=True)
class Onset:
    """Where slow-down or errors begin in one trial: after one step, at the latest at another."""

    after: int | None  # the heaviest step still good; None: no lighter step is known
    at: int | None  # the first bad one; None: not reached
    up_to: int | None  # the heaviest step known; None: no step is

    @property
    def span(self) -> Span | None:
        """The onset as a figure; a lower bound where it was not reached, None without any step."""
        if self.at is not None:
            return Span(self.at, self.after or 0, self.at)
        return None if self.up_to is None else Span.at_least(self.up_to)


@dataclass(frozen=True)
class RampTrial:
    """One trial of a ramp, its steps rising."""

    number: int
    steps: list[Step]
    slowdown: Onset
    errors: Onset

    def step(self, size: int) -> Step | None:
        """Return the step of that size; None where it was not measured."""
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
        """All steps of any trial, rising."""
        return sorted({step.size for trial in self.trials for step in trial.steps})


@dataclass(frozen=True)
class Together:
    """An onset over several trials: the median, and the lowest and highest that it can be."""

    text: str
    at: float | None  # None: not reached in more than half of the trials, or unknown
    low: float
    high: float  # infinite: not reached in at least one trial


def of(campaign: LoadedCampaign) -> Of | None:
    """Return what a ramp campaign raises; None where the campaign is no ramp."""
    load = campaign.campaign.asked.get("load")
    ramp = load.get("ramp") if isinstance(load, dict) else None
    if not isinstance(ramp, dict):
        return None
    return "users" if ramp.get("of") == "users" else "connections"


def ramps(campaign: LoadedCampaign, endpoint: str | None = None) -> list[Ramp]:
    """Return the campaign's ramps, of one endpoint or all; an empty list if it is no ramp."""
    if of(campaign) is None:
        return []
    by_cell: dict[tuple[str, str, str], list[RunRecord]] = {}
    for run in campaign.runs:
        record = run.record
        if endpoint in (None, record.endpoint):
            by_cell.setdefault((record.endpoint, record.app, record.variant), []).append(record)
    return [ramp(records, label(records[0])) for _, records in sorted(by_cell.items())]


def sentences(campaign: LoadedCampaign) -> list[str]:
    """Say where slow-down and errors begin, in a sentence per app, endpoint and variant.

    The list is empty where the campaign is no ramp.
    """
    what = of(campaign)
    if what is None:
        return []
    return [
        f"{one.label}, {one.endpoint}: {onsets_text(one.trials, what)}." for one in ramps(campaign)
    ]


def onsets_text(trials: Sequence[RampTrial], what: Of) -> str:
    """Say where, over the trials, slow-down and errors begin."""
    slow = together([trial.slowdown for trial in trials], what).text
    errors = together([trial.errors for trial in trials], what).text
    return f"slow-down begins at {slow}, errors at {errors}"


def ramp(records: Sequence[RunRecord], name: str) -> Ramp:
    """Return the ramp that these runs of one cell make."""
    counted = [record for record in records if _counts(record)]
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
    """Return where the steps begin to be bad: at the first that is bad with all heavier ones.

    A step is its size and whether it is bad; of one where that is None, it is not known.
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
        return Together("unknown: no step counts", None, 0, math.inf)
    low, high = min(span.low for span in spans), max(span.high for span in spans)
    middle = median(math.inf if math.isinf(span.high) else span.value for span in spans)
    everywhere = not math.isinf(high)
    if all(math.isinf(span.high) for span in spans):
        text = f"not reached up to {min(span.value for span in spans):,.0f} {what}"
    elif math.isinf(middle):
        text = f"beyond {low:,.0f} {what}; not reached in most trials"
    else:
        ends = f"{low:,.0f} to {high:,.0f}" if everywhere else f"from {low:,.0f}, one never"
        text = f"{middle:,.0f} {what} ({ends})"
    return Together(text, None if math.isinf(middle) else middle, low, high)


def _trial(number: int, records: list[RunRecord], chosen: str | None, lightest: int) -> RampTrial:
    steps = sorted((_step(record, chosen) for record in records), key=lambda step: step.size)
    # Unknown if its run does not count or was not made: then nothing is slow
    usual = steps[0].response if steps[0].counts and steps[0].size == lightest else None
    limit_us = None if usual is None or math.isinf(usual.high) else SLOW_FACTOR * usual.value
    return RampTrial(
        number=number,
        steps=steps,
        slowdown=onset(_flags(steps, lambda step: _above(step.response, limit_us))),
        errors=onset(_flags(steps, lambda step: _reaches(step.errors_percent))),
    )


def _flags(steps: list[Step], bad: Callable[[Step], bool | None]) -> list[tuple[int, bool | None]]:
    return [(step.size, bad(step) if step.counts else None) for step in steps]


def _above(response: Span | None, limit_us: float | None) -> bool | None:
    if response is None or limit_us is None:
        return None
    if math.isinf(response.high):
        return True  # it lies among the requests never answered
    # Between the limits: too many were not answered to tell
    return None if response.low <= limit_us < response.high else response.low > limit_us


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
    if record.output is not None and record.output.requests == 0:
        return Span.exact(math.inf)
    return None if chosen is None else percentile(record, float(chosen))


def _common_percentile(records: Sequence[RunRecord]) -> str | None:
    answered = [r.output for r in records if r.output is not None and r.output.requests]
    if not answered:
        return None
    return next(
        (
            key
            for key in PERCENTILES
            if all(key in output.latency_us.percentiles for output in answered)
        ),
        None,
    )


def _counts(record: RunRecord) -> bool:
    """Return whether the step tells something: nothing but overload made it invalid, if it is.

    That not one request was answered makes a run's figures useless, but it is just what a ramp
    looks for: such a step is slow, and has errors.
    """
    found = record.standing
    invalid = {finding.check for finding in record.findings if finding.verdict == "invalid"}
    return found in ("valid", "doubtful") or (found == "invalid" and invalid == OVERLOAD)
