"""Give a percentile over several trials together: merged from their histograms, with an interval.

A mean of percentiles is no percentile. So all requests of the trials are taken together as if one
run had made them. Where a run has no histogram, the percentiles that its generator printed give
bounds. All functions are pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis import resampling
from analysis.figures import PERCENTILES
from analysis.histogram import Histogram
from analysis.intervals import CONFIDENCE, Floats
from analysis.load import LoadedCampaign, LoadedRun
from analysis.measured import percentile
from analysis.ratio import Span
from analysis.statistics import MIN_TRIALS_FOR_INTERVAL, log_t_interval
from testbed.model.results import RunRecord
from testbed.tools import due
from testbed.tools.due import Answers

INTERVAL = f"{100 * CONFIDENCE:.0f} % interval"


@dataclass(frozen=True)
class Merged:
    """A percentile over the requests due of several trials, in microseconds."""

    span: Span
    trials: list[float]  # the percentile of each trial by itself; a bound if it is only bounded
    interval: tuple[float, float] | None
    how: str  # how the interval came about


def span(runs: Sequence[LoadedRun], percent: float) -> Span | None:
    """Return a percentile over the requests due of all runs that have it; None if none has."""
    known = [run for run in runs if percentile(run.record, percent, run.counted) is not None]
    if len(known) < 2:
        return percentile(known[0].record, percent, known[0].counted) if known else None
    counted = [found for run in known if (found := _answers(run)) is not None]
    if len(counted) < len(known):
        return None
    bounds = due.percentile(counted, percent)
    return Span(bounds.low, bounds.low, bounds.high)


def merging(
    campaign: LoadedCampaign, key: str
) -> Callable[[Sequence[RunRecord]], Span | None] | None:
    """Return what merges a figure of several runs; None if the figure is no percentile."""
    if key not in PERCENTILES:
        return None
    loaded = {run.record.run_id: run for run in campaign.runs}
    return lambda records: span([loaded[one.run_id] for one in records], PERCENTILES[key])


def merged(runs: Sequence[LoadedRun], percent: float) -> Merged | None:
    """Return a percentile over all runs that have it, with its interval; None if none has."""
    found = span(runs, percent)
    if found is None:
        return None
    by_run = [(run, percentile(run.record, percent, run.counted)) for run in runs]
    known = [run for run, one in by_run if one is not None]
    each = [one for _, one in by_run if one is not None]
    samples = [sample for run in known if (sample := _sample(run)) is not None]
    trials = f"{len(each)} trials"
    ends: tuple[float, float] | None = None
    if len(each) < MIN_TRIALS_FOR_INTERVAL:
        how = "interval is not known (fewer than three trials tell too little of how they differ)"
    elif len(samples) == len(known):
        low, high = resampling.interval(samples, percent)
        ends = (min(low, found.low), max(high, found.high))
        how = f"{INTERVAL} (cluster bootstrap over {trials} and their seconds, t)"
    else:
        ends = (log_t_interval([one.low for one in each])[0],
                log_t_interval([one.high for one in each])[1])  # fmt: skip
        how = f"{INTERVAL} (t, of the percentiles of {trials})"
    return Merged(found, [one.value for one in each], ends, how)


def _answers(run: LoadedRun) -> Answers | None:
    output = run.record.output
    return None if output is None else due.answers(run.record.load, output, run.counted)


def _sample(run: LoadedRun) -> resampling.Sample | None:
    """Return the run's answers by blocks of seconds; None if its histogram lacks some of them."""
    output, histogram, found = run.record.output, run.histogram, _answers(run)
    if output is None or histogram is None or found is None:
        return None
    of_all = found.correct.high if histogram.correct else due.timed(output)
    if histogram.answers.sum() != of_all:
        return None
    wrong = 0.0 if histogram.correct else of_all - found.correct.low
    return resampling.Sample(histogram.times_us, _by_block(histogram), found.due, wrong)


def _by_block(histogram: Histogram) -> Floats:
    count = resampling.blocks(histogram.intervals)
    block = histogram.interval * count // histogram.intervals
    answers = np.zeros((count, len(histogram.times_us)))
    np.add.at(answers, (block, histogram.bucket), histogram.answers)
    return answers
