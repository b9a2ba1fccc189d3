"""What a run tells of a claim's metric, and where it tells only bounds."""

import math

import pytest

from analysis.measured import errors_percent, lost_percent, of_metric, percentile
from analysis.ratio import Span
from testbed.model.tool_output import Distribution, Errors
from testbed.tools.due import Counted
from testbed.tools.wrk import Wrk
from tests.unit.report import builder

NONE = {"connect": 0, "read": 0, "write": 0, "timeout": 0, "status": 0, "wrong_body": 0}


def a_run(**figures):
    latency = figures.pop("latency", {"50": 1000.0, "90": 2000.0, "95": 3000.0, "99": 9000.0})
    load = figures.pop("load", {})
    output = builder.output(**figures)
    output = output.model_copy(
        update={"latency_us": Distribution(mean=1500.0, max=1e4, percentiles=latency)}
    )
    return builder.run(1, "django", "index", figures=output, **load)


def test_with_every_request_answered_all_figures_are_exact():
    record = a_run(due=80_000, requests=80_000)
    assert of_metric(record, "response_mean_us").known
    assert of_metric(record, "response_p99_us").value == 9000
    assert errors_percent(record) == 0


def test_a_mean_is_a_lower_bound_where_requests_went_unanswered():
    record = a_run(due=80_000, requests=60_000, unsent=20_000)
    span = of_metric(record, "response_mean_us")
    assert (span.value, span.low, span.high) == (1500, 1500, math.inf)


def test_few_lost_requests_raise_a_mean_by_no_more_than_their_time_out():
    # 0.9 % that waited 5 s are 45 ms of the mean, where the answers took 1.5 ms
    record = a_run(due=80_000, requests=79_280, unsent=720)
    timeout_s = record.load.timeout_s
    span = of_metric(record, "response_mean_us")
    assert (span.value, span.low) == (1500, 1500)
    assert span.high == pytest.approx(1500 * 0.991 + 1e6 * timeout_s * 0.009)
    one = a_run(due=80_000, requests=79_999, unsent=1)
    assert of_metric(one, "response_mean_us").high == pytest.approx(1500, rel=0.05)
    hardly = a_run(due=80_000_000, requests=79_999_999, unsent=1)
    assert of_metric(hardly, "response_mean_us").known
    under_way = a_run(
        due=None, unsent=None, unanswered=None, requests=80_000 - 100, duration_s=10.0,
        load={"generator": "wrk2", "rate_rps": 8000.0, "duration_s": 10.0, "connections": 100},
    )  # fmt: skip
    assert of_metric(under_way, "response_mean_us").known


def test_answers_without_a_time_leave_ranges():
    # wrk2 timed three of four; the others took 6 ms on average
    told = {
        "due": None, "unsent": None, "unanswered": None, "requests": 80_000, "duration_s": 10.0,
        "tool": "wrk2", "load": {"generator": "wrk2", "rate_rps": 8000.0, "duration_s": 10.0},
    }  # fmt: skip
    untimed = {"timed": 60_000, "threads": 2, "untimed_us": Distribution(mean=6000.0)}
    record = a_run(**told, **untimed)
    mean = of_metric(record, "response_mean_us")
    assert (mean.low, mean.high) == pytest.approx((1500 * 0.75, 1500 * 0.75 + 6000 * 0.25))
    assert of_metric(record, "response_max_us").open
    p90 = percentile(record, 90)
    assert p90.low < 2000
    assert 9000 < p90.high < 1e5
    unknown = a_run(**told, timed=60_000, threads=2)
    assert of_metric(unknown, "response_mean_us").open
    assert percentile(unknown, 90).open
    assert of_metric(a_run(**told, timed=79_998, threads=2), "response_max_us").known


def test_a_percentile_lies_between_two_printed_ones_or_above_all():
    # A quarter lost: the median of what was due is the 66.7th percentile of the answers
    record = a_run(due=80_000, requests=60_000, unsent=20_000)
    assert (percentile(record, 50).low, percentile(record, 50).high) == (1000, 2000)
    assert percentile(record, 99).high == math.inf
    assert percentile(record, 75) is None  # not printed


def test_errors_are_shares_of_what_was_due():
    errors = Errors(**(NONE | {"status": 100, "timeout": 300}))
    record = a_run(due=10_000, requests=9_000, errors=errors, unsent=500, unanswered=100)
    assert errors_percent(record) == pytest.approx(10)
    assert lost_percent(record) == pytest.approx(10)


def test_of_wrk2_what_was_due_follows_from_rate_and_duration():
    load = {"generator": "wrk2", "rate_rps": 1000.0, "duration_s": 10.0}
    errors = Errors(**(NONE | {"status": 100, "read": 50}))
    record = a_run(
        due=None, unsent=None, unanswered=None, requests=4_000, errors=errors, duration_s=10.0,
        load=load,
    )  # fmt: skip
    assert lost_percent(record) == pytest.approx(60)
    assert errors_percent(record) == pytest.approx(61)  # a broken read brought no answer


def test_a_closed_loop_has_no_schedule():
    load = {"generator": "wrk", "rate_rps": None, "mode": "saturation"}
    errors = Errors(**(NONE | {"connect": 100, "status": 30}))
    record = a_run(
        due=None, unsent=None, unanswered=None, requests=900, errors=errors, rate_rps=None,
        load=load,
    )  # fmt: skip
    assert lost_percent(record) is None
    assert errors_percent(record) == pytest.approx(13)
    assert of_metric(record, "response_mean_us").open  # but it loses requests like any other
    whole = record.output.model_copy(update={"errors": Errors(**NONE)})
    assert of_metric(record.model_copy(update={"output": whole}), "response_mean_us").known


@pytest.mark.parametrize(("gives_up", "percent"), [(False, 25), (True, 20)])
def test_a_request_that_was_given_up_brought_no_answer(monkeypatch, gives_up, percent):
    monkeypatch.setattr(Wrk, "gives_up", gives_up)
    load = {"generator": "wrk", "rate_rps": None, "mode": "saturation"}
    record = a_run(
        due=None, unsent=None, unanswered=None, requests=400, errors=Errors(timeout=100),
        rate_rps=None, tool="wrk", load=load,
    )  # fmt: skip
    assert errors_percent(record) == pytest.approx(percent)


def test_what_a_tool_does_not_tell_is_not_zero():
    load = {"generator": "wrk", "rate_rps": None, "mode": "saturation"}
    assert errors_percent(a_run(errors=Errors(), due=None, load=load)) is None
    assert of_metric(a_run(goodput_rps=None), "goodput_rps") is None
    assert of_metric(a_run(), "slowdown_users") is None


def test_goodput_is_bounded_where_late_and_wrong_answers_may_be_the_same():
    load = {"generator": "wrk", "rate_rps": None, "mode": "saturation"}
    record = a_run(
        due=None, unsent=None, unanswered=None, requests=1000, throughput_rps=100.0,
        goodput_rps=95.0, errors=Errors(**(NONE | {"timeout": 200, "status": 50})), rate_rps=None,
        tool="wrk", load=load,
    )  # fmt: skip
    assert of_metric(record, "goodput_rps") == Span(75, 75, 80)
    assert percentile(record, 99).open  # a fifth came late, and wrk does not time these


def test_a_percentile_of_a_histogram_is_exact_in_spite_of_losses():
    record = a_run(due=1000, requests=990, unanswered=10)
    counted = Counted([100.0, 200.0, 300.0, 400.0], [500, 400, 80, 10], correct=True)
    assert percentile(record, 50, counted) == Span.exact(100)
    assert percentile(record, 98, counted) == Span.exact(300)  # not printed
    assert percentile(record, 99, counted) == Span.exact(400)
    assert percentile(record, 99.5, counted) == Span(400, 400, math.inf)
    assert percentile(record, 99) == Span.exact(10_000)  # without it: the slowest answer


def test_the_mean_of_correct_answers_where_wrong_ones_were_timed_too():
    wrong = Errors(**(NONE | {"status": 1}))
    record = a_run(due=200, requests=200, errors=wrong)
    span = of_metric(record, "response_mean_us")
    # If the wrong one was the slowest; and if it was the fastest, and as bad as a time-out
    beyond = 1e6 * record.load.timeout_s
    assert span.low == pytest.approx((200 * 1500 - 1e4) / 199)
    assert span.high == pytest.approx((200 * 1500 + beyond) / 200)
    apart = record.output.model_copy(update={"correct_us": Distribution(mean=1200.0)})
    record = record.model_copy(update={"output": apart})
    span = of_metric(record, "response_mean_us")
    assert (span.value, span.low) == (1200, 1200)
    assert span.high == pytest.approx((199 * 1200 + beyond) / 200)
    fast_failures = a_run(due=200, requests=200, errors=Errors(**(NONE | {"status": 198})))
    assert of_metric(fast_failures, "response_mean_us").open
    assert of_metric(fast_failures, "response_p99_us") == Span(0, 0, math.inf)
