"""Where slow-down and errors begin in a ramp."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ramp import Onset, RampTrial, onset, onsets_text, ramp, together
from testbed.model.results import Finding
from testbed.model.tool_output import Distribution, Errors
from tests.unit.report import series_builder

FLAGS = st.dictionaries(st.integers(1, 50), st.sampled_from([True, False, None]), max_size=12)


def measured(p95_ms, errors=None, **other):
    """A ramp of one trial: p95 by users, errors by users."""
    runs = [
        series_builder.step(number, "django", users, ms, (errors or {}).get(users, 0), **other)
        for number, (users, ms) in enumerate(p95_ms.items(), 1)
    ]
    return ramp(runs, "Django")


def test_slow_down_is_the_first_step_above_twice_the_lightest_for_good():
    found = measured({10: 5, 20: 9, 30: 11, 40: 9, 50: 12, 60: 100}).trials[0]
    assert found.slowdown == Onset(after=40, at=50, up_to=60)  # 30 was a hiccup


def test_errors_begin_where_a_thousandth_fails_for_good():
    found = measured({10: 5, 20: 5, 30: 5, 40: 5}, {20: 0.05, 30: 0.1, 40: 20}).trials[0]
    assert found.errors == Onset(after=20, at=30, up_to=40)


def test_what_is_not_reached_is_no_figure():
    found = measured({10: 5, 20: 5, 30: 6})
    trial = found.trials[0]
    assert trial.slowdown == trial.errors == Onset(after=30, at=None, up_to=30)
    assert (trial.errors.span.low, trial.errors.span.high) == (30, math.inf)
    assert together([trial.slowdown], "users").text == "not reached up to 30 users"


def test_a_percentile_among_requests_never_answered_is_slow():
    found = measured({10: 5, 20: 5, 30: 5}, {30: 40}).trials[0]
    assert found.slowdown.at == 30
    assert found.step(30).response_text.startswith("≥")


@pytest.mark.parametrize("share", [0.06, 0.5, 0.97, 1.0])
def test_a_step_of_fast_failures_does_not_end_a_slow_down(share):
    runs = [
        series_builder.step(number, "django", users, ms)
        for number, (users, ms) in enumerate({10: 5, 20: 50, 30: 1, 40: 60}.items(), 1)
    ]
    output = runs[2].output
    failed = output.errors.model_copy(update={"status": round(output.requests * share)})
    runs[2] = runs[2].model_copy(update={"output": output.model_copy(update={"errors": failed})})
    trial = ramp(runs, "Django").trials[0]
    assert trial.slowdown == Onset(after=10, at=20, up_to=40)


def test_a_lightest_step_known_by_bounds_leaves_steps_open():
    runs = [series_builder.step(n, "django", 10 * n, ms) for n, ms in enumerate((5, 12, 40), 1)]
    output = runs[0].output
    times = Distribution(max=9e3, percentiles={"90": 4e3, "95": 5e3, "99": 8e3})
    lost = output.requests // 100
    changes = {"latency_us": times, "requests": output.requests - lost, "unanswered": lost}
    runs[0] = runs[0].model_copy(update={"output": output.model_copy(update=changes)})
    # Its p95 lies between 5 and 8 ms, so 12 ms may be twice as much or not; 40 ms is
    assert ramp(runs, "Django").trials[0].slowdown == Onset(after=10, at=30, up_to=30)


def test_a_step_that_does_not_count_widens_the_bracket():
    runs = [
        series_builder.step(1, "django", 10, 5),
        series_builder.step(
            2, "django", 20, 50, verdict="invalid",
            findings=[Finding(check="steal", verdict="invalid", sentence="CPU stolen")],
        ),
        series_builder.step(3, "django", 30, 50),
    ]  # fmt: skip
    trial = ramp(runs, "Django").trials[0]
    assert trial.slowdown == Onset(after=10, at=30, up_to=30)
    assert (trial.step(20).counts, trial.step(20).response.value) == (False, 50_000)  # but shown


def test_a_step_without_one_good_answer_is_slow_and_has_errors():
    none = Finding(check="no_good_answer", verdict="invalid", sentence="not one was answered")
    steal = Finding(check="steal", verdict="invalid", sentence="CPU stolen")
    good = [series_builder.step(1, "django", 10, 5), series_builder.step(2, "django", 20, 5)]
    last = series_builder.step(3, "django", 30, 50, 100, verdict="invalid", findings=[none])
    trial = ramp([*good, last], "Django").trials[0]
    assert (trial.slowdown.at, trial.errors.at) == (30, 30)
    also_stolen = last.model_copy(update={"findings": [none, steal]})
    trial = ramp([*good, also_stolen], "Django").trials[0]
    assert (trial.slowdown.at, trial.errors.at) == (None, None)


def test_without_its_lightest_step_nothing_is_slow_or_not():
    runs = [
        series_builder.step(1, "django", 10, 5, verdict="invalid"),
        series_builder.step(2, "django", 20, 50),
    ]
    trial = ramp(runs, "Django").trials[0]
    assert trial.slowdown == Onset(None, None, None)
    assert together([trial.slowdown], "users").text == "unknown, as no step shows it"


def test_a_trial_whose_lightest_step_was_not_made_has_no_slow_down_to_tell_of():
    runs = [
        series_builder.step(1, "django", 10, 5),
        series_builder.step(2, "django", 20, 50),
        series_builder.step(3, "django", 20, 50, trial=2),
        series_builder.step(4, "django", 30, 60, trial=2),
    ]
    first, second = ramp(runs, "Django").trials
    assert first.slowdown == Onset(after=10, at=20, up_to=20)
    assert second.slowdown == Onset(None, None, None)


def test_without_a_95th_percentile_the_next_that_all_have_is_taken():
    runs = [series_builder.step(n, "django", 10 * n, 5) for n in (1, 2)]
    times = Distribution(mean=1.0, percentiles={"50": 1.0, "90": 2.0, "99": 3.0})
    output = runs[0].output.model_copy(update={"latency_us": times, "errors": Errors(read=0)})
    runs[0] = runs[0].model_copy(update={"output": output})
    assert ramp(runs, "Django").percentile == "90"


def test_trials_together_give_median_and_widest_bracket():
    trials = [Onset(120, 130, 200), Onset(110, 120, 200), Onset(130, 140, 200)]
    found = together(trials, "users")
    assert (found.at, found.low, found.high) == (130, 110, 140)
    assert found.text == "130 users (110 to 140)"


@pytest.mark.parametrize("unreached", [1, 2])
def test_trials_that_never_got_there_leave_the_end_open(unreached):
    trials = [Onset(120, 130, 200)] * 2 + [Onset(200, None, 200)] * (2 * unreached - 1)
    found = together(trials, "users")
    assert math.isinf(found.high)
    assert (found.at is None) == (unreached == 2)


@given(FLAGS)
def test_an_onset_has_only_bad_steps_from_it_on_and_a_good_one_right_before(flags):
    found = onset(flags.items())
    known = {size: bad for size, bad in flags.items() if bad is not None}
    assert found.up_to == max(known, default=None)
    if found.at is not None:
        assert all(bad for size, bad in known.items() if size >= found.at)
        below = [size for size in known if size < found.at]
        assert found.after == max(below, default=None)
        assert not below or not known[max(below)]
    elif known:
        assert not known[max(known)]


@given(FLAGS, st.integers(51, 99))
def test_a_heavier_bad_step_never_moves_an_onset_that_was_found(flags, heavier):
    before = onset(flags.items())
    after = onset([*flags.items(), (heavier, True)])
    assert after.at == (before.at if before.at is not None else heavier)


def test_where_an_onset_begins_is_told_in_english():
    at, beyond, none = Onset(10, 20, 30), Onset(30, None, 30), Onset(None, None, None)

    def told(*onsets):
        return onsets_text([RampTrial(n, [], one, one) for n, one in enumerate(onsets, 1)], "users")

    assert told(at) == "slow-down begins at 20 users (10 to 20), errors at 20 users (10 to 20)"
    some = "beyond 10 users; not reached in 1 of 2 trials"  # which is not most of them
    assert told(at, beyond) == f"slow-down begins {some}, errors {some}"
    assert "begins at 20 users (from 10, 2 never)" in told(at, at, at, beyond, beyond)
    unknown = "unknown, as no step shows it"
    assert told(none) == f"slow-down is {unknown}, errors are {unknown}"
