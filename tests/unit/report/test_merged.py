"""A percentile over several trials: merged from their histograms, with an interval of its own."""

import math

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.curves import Curves
from analysis.histogram import Histograms, read_histogram
from analysis.load import LoadedRun
from analysis.merged import merged
from analysis.resampling import Sample, interval
from testbed.model.tool_output import Distribution, Errors
from tests.unit.report import builder

HEAD = [
    "#[Histogram log format version 1.2]",
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
]


def log_of(seconds, tag=None):
    """Return the lines of a log of these times, in microseconds, second by second."""
    for number, times in enumerate(seconds):
        one = HdrHistogram(1, 3_600_000_000, 3)
        for time_us in times:
            one.record_value(int(time_us))
        mark = f"Tag={tag}," if tag else ""
        yield f"{mark}{number:.3f},1.000,{one.get_max_value() / 1000:.3f},{one.encode().decode()}"


def written(path, *logs):
    path.write_text("\n".join([*HEAD, *(line for log in logs for line in log)]) + "\n")
    return path


def test_correct_answers_are_read_where_a_log_has_them_apart(tmp_path):
    good, bad = [[1000, 2000], [3000]], [[10], [20, 30]]
    logs = [log_of(good, "correct"), log_of(bad, "failed"), log_of([[9], [9]], "lag")]
    found = read_histogram(written(tmp_path / "latency.hdr", *logs))
    assert (found.correct, found.intervals, found.curve.count) == (True, 2, 3)
    assert found.counted.times_us == pytest.approx([1000, 2000, 3000], rel=1e-3)
    assert found.counted.answers == [1, 1, 1]
    plain = read_histogram(written(tmp_path / "old.hdr", log_of(good)))
    assert (plain.correct, plain.counted.answers) == (False, [1, 1, 1])


def test_failures_stand_for_no_answers(tmp_path):
    logs = [log_of([[], []], "correct"), log_of([[10], [20]], "failed")]
    assert read_histogram(written(tmp_path / "latency.hdr", *logs)) is None


def trial(tmp_path, number, seconds, *, lost=0, status=0, histogram=True):
    """Return a run that answered with these times, of which `lost` more were due."""
    times = sorted(time_us for second in seconds for time_us in second)
    path = written(tmp_path / f"{number}.hdr", log_of(seconds))
    ends = {str(p): float(times[math.ceil(len(times) * p / 100) - 1]) for p in (50, 99)}
    figures = builder.output(
        requests=len(times), due=len(times) + lost, unanswered=lost, errors=Errors(status=status)
    ).model_copy(
        update={
            "latency_us": Distribution(min=times[0], max=float(times[-1]), percentiles=ends)
        }
    )  # fmt: skip
    record = builder.run(number, "flask", "index", trial=number, figures=figures)
    return LoadedRun(
        record, Curves(given=Histograms(read_histogram(path) if histogram else None, {}))
    )


@settings(max_examples=25)
@given(data=st.data())
def test_it_is_the_percentile_of_all_requests_together(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("trials")
    dice = np.random.default_rng(data.draw(st.integers(0, 10**9)))
    runs, times, due = [], [], 0
    for number in range(1, data.draw(st.integers(1, 4)) + 1):
        centre, lost = int(dice.choice([500, 800, 5000])), int(dice.choice([0, 0, 1, 20]))
        seconds = [
            (1 + centre * dice.lognormal(0, 0.5, dice.integers(1, 60))).astype(int).tolist()
            for _ in range(3)
        ]
        runs.append(trial(folder, number, seconds, lost=lost))
        times += [time_us for second in seconds for time_us in second]
        due += lost + sum(map(len, seconds))
    ranked = [*sorted(times), *[math.inf] * (due - len(times))]
    for percent in (50.0, 99.0):
        found, truth = merged(runs, percent), ranked[math.ceil(due * percent / 100) - 1]
        assert found.span.high == pytest.approx(truth, rel=1e-3)
        assert found.span.low <= truth * 1.001
        if len(runs) < 3:  # they tell too little of how trials differ
            assert found.interval is None
        else:
            assert found.interval[0] <= found.span.low
            assert found.interval[1] >= found.span.high


def test_it_is_no_mean_of_percentiles(tmp_path):
    quick, slow = [[1000] * 100] * 2, [[1000] * 90 + [100_000] * 10] * 2
    runs = [trial(tmp_path, 1, quick), trial(tmp_path, 2, quick), trial(tmp_path, 3, slow)]
    found = merged(runs, 99.0)
    assert found.span.value == pytest.approx(100_000, rel=1e-3)  # 20 of 600; the mean is 34,000
    assert "3 trials and their seconds" in found.how


def test_without_histograms_it_lies_between_printed_percentiles(tmp_path):
    seconds = [[1000 + number for number in range(200)]]
    shifted = [[2000 + number for number in range(200)]]
    runs = [
        trial(tmp_path, n, s, histogram=False) for n, s in enumerate((seconds, shifted, seconds), 1)
    ]
    found = merged(runs, 99.0)
    truth = sorted([*seconds[0], *shifted[0], *seconds[0]])[594 - 1]
    assert found.span.low <= truth <= found.span.high
    assert "of the percentiles of 3 trials" in found.how
    assert merged(runs[:2], 99.0).interval is None


def test_wrong_answers_of_unknown_place_widen_both_ends(tmp_path):
    seconds = [[1000 + 10 * number for number in range(100)] for _ in range(10)]
    alone = merged([trial(tmp_path, number, seconds) for number in (1, 2, 3)], 50.0)
    mixed = merged([trial(tmp_path, number, seconds, status=100) for number in (4, 5, 6)], 50.0)
    assert alone.span.known
    assert mixed.span.low <= alone.span.low < mixed.span.high
    assert mixed.interval[1] >= mixed.span.high
    assert merged([trial(tmp_path, 7, seconds)], 50.0).interval is None


def samples(dice, trials, trial_sd, lost=0.0):
    for _ in range(trials):
        centre = 1000 * dice.lognormal(0, trial_sd)
        times = np.round(centre * dice.lognormal(0, 0.5, (10, 200)))
        values, place = np.unique(times, return_inverse=True)
        answers = np.zeros((10, len(values)))
        np.add.at(answers, (np.repeat(np.arange(10), 200), place.ravel()), 1)
        yield Sample(values, answers, due=2000 / (1 - lost))


@settings(max_examples=5)
@given(seed=st.integers(0, 10**9))
def test_trials_that_differ_make_a_wider_interval(seed):
    def width(trial_sd):
        low, high = interval(list(samples(np.random.default_rng(seed), 5, trial_sd)), 99)
        return math.log(high / low)

    assert width(0.5) > width(0.0) > 0


def test_the_interval_is_open_where_the_percentile_may_lie_among_losses():
    some = list(samples(np.random.default_rng(1), 3, 0.1, lost=0.009))
    more = list(samples(np.random.default_rng(1), 3, 0.1, lost=0.02))
    assert interval(some, 50)[1] < math.inf
    assert interval(more, 99)[1] == math.inf
    assert interval(more, 99)[0] > 0
    assert interval(some, 99) == interval(some, 99)  # the same lots
