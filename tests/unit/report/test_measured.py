"""What a run tells of a claim's metric, and where it tells only bounds."""

import math

import pytest

from analysis.measured import errors_percent, lost_percent, of_metric, percentile
from testbed.model.tool_output import Distribution, Errors
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
