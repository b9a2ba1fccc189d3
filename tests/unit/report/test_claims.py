"""The rule by which claims are judged: what it decides, and what must never change a verdict."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.articles import verdicts
from analysis.articles.claims import VERDICTS, judge, lies
from analysis.measured import of_metric
from analysis.ratio import Estimate, Span, estimate
from analysis.trials import CellTrials, told_by
from testbed.model.article import Accept, CellRef, Claim, ComparedCells
from testbed.model.results import Finding
from testbed.model.tool_output import Errors
from tests.unit.report import builder

FIGURES = st.floats(0.01, 1e6)
TRIALS = st.lists(FIGURES, min_size=2, max_size=5)
RATIOS = st.floats(0.01, 100)
CELL = CellRef(part="round", app="django", endpoint="index")


def exact(values):
    return [Span.exact(value) for value in values]


def claim(**accept):
    return Claim(
        text="One answers more than the other.",
        metric="goodput_rps",
        published=2.0,
        accept=Accept(**accept),
        rule="An order.",
        compare={"fair": ComparedCells(of=CELL, to=CELL)},
    )


def side(values, **other):
    numbers = other.pop("numbers", list(range(1, len(values) + 1)))
    return CellTrials("Django, index", exact(values), len(values), numbers=numbers, **other)


def decide(found, accept):
    return VERDICTS[lies(found, accept)]


def judged(of, to, accept, **other):
    return judge("more", claim(**accept), "fair", side(of, **other), side(to))


@pytest.mark.parametrize(
    ("of", "to", "accept", "verdict"),
    [
        ([400, 410, 420], [100, 101, 102], {"at_least": 2}, "reproduced"),
        ([150, 151, 152], [100, 101, 102], {"at_least": 2}, "not reproduced"),
        ([150, 250, 300], [100, 101, 102], {"at_least": 2}, "undecided"),
        ([150, 250, 300], [100, 167, 200], {"at_least": 1.4}, "reproduced"),  # in pairs
        ([400, 410, 420], [100, 101, 102], {"at_least": 1, "at_most": 3}, "not reproduced"),
        ([300, 300], [100, 100], {"at_least": 3}, "reproduced"),  # a limit belongs to its range
        ([400], [100], {"at_least": 2}, "undecided"),
        ([400, 410, 420], [100], {"at_least": 2}, "undecided"),
        ([0, 0, 0], [100, 110, 120], {"at_most": 0.5}, "reproduced"),
        ([100, 110, 120], [0, 0, 0], {"at_least": 2}, "reproduced"),
        ([0, 0, 0], [0, 0, 0], {"at_most": 0.5}, "undecided"),
    ],
)
def test_verdicts(of, to, accept, verdict):
    assert judged(of, to, accept).verdict == verdict


def test_the_reason_says_what_the_interval_is():
    assert "(t, 2 pairs of trials)" in judged([10, 30], [2, 5, 4], {"at_least": 1}).reason
    assert "One trial tells nothing of spread" in judged([10], [2], {"at_least": 1}).reason


def test_trials_are_paired_by_their_number():
    of, to = side([10, 20, 30], numbers=[1, 2, 4]), side([10, 5, 7], numbers=[2, 1, 3])
    found = judge("more", claim(at_least=1.9), "fair", of, to)
    assert (found.verdict, found.estimate.trials) == ("reproduced", (2, 2))
    assert found.estimate.value == 2
    assert "the trials that count on both sides: 1, 2." in found.remarks[-1]


def test_without_two_trials_in_common_they_are_compared_without_pairs():
    of, to = side([10, 20, 30], numbers=[1, 2, 3]), side([10, 5], numbers=[3, 4])
    found = judge("more", claim(at_least=1.9), "fair", of, to).estimate
    assert (found.how, found.trials) == ("unpaired", (3, 2))


def test_cells_of_different_parts_are_compared_without_pairs():
    other = claim(at_least=2).model_copy(
        update={"compare": {"fair": ComparedCells(of=CELL, to=CELL.model_copy(
            update={"part": "another"}))}}
    )  # fmt: skip
    assert judge("more", other, "fair", side([9, 10]), side([2, 3])).estimate.how == "unpaired"


def test_a_lower_bound_decides_only_one_way():
    slow = [Span.at_least(9e6), Span.at_least(8e6), Span.at_least(9.5e6)]
    quick = exact([2000, 2100, 2200])
    of, to = (
        CellTrials(app, spans, 3, numbers=[1, 2, 3])
        for app, spans in (("aiohttp", quick), ("Django", slow))
    )
    assert judge("wait", claim(at_most=0.5), "fair", of, to).verdict == "reproduced"
    assert judge("wait", claim(at_least=0.5), "fair", of, to).verdict == "not reproduced"
    # How many times as long it took is not known, only that it is not less
    assert judge("wait", claim(at_least=2), "fair", to, of).verdict == "reproduced"
    band = judge("wait", claim(at_least=4000, at_most=9000), "fair", to, of)
    assert band.verdict == "undecided"


def trials_of(app, metric, status=0, **figures):
    """Return what three runs of an app tell of a metric; `status` of 80,000 answers are errors."""
    findings = [Finding(check="failed_answers", verdict="valid", sentence="99.0 % were errors: so")]
    runs = [
        builder.run(
            number, app, "index", trial=number, findings=findings if status else [],
            figures=builder.output(
                due=80_000, requests=80_000,
                errors=Errors(connect=0, read=0, write=0, timeout=0, status=status),
                **{name: value * (1 + number / 100) for name, value in figures.items()},
            ),
        )
        for number in (1, 2, 3)
    ]  # fmt: skip
    return told_by(app, runs, 3, lambda record: of_metric(record, metric))


@pytest.mark.parametrize("metric", ["response_mean_us", "response_p50_us", "response_p99_us"])
def test_failures_in_a_millisecond_make_no_app_faster(metric):
    failing = trials_of(
        "Flask", metric, status=79_200, mean_us=1000.0, p50_us=1000.0, p99_us=1100.0, max_us=9e4
    )
    sound = trials_of("Django", metric, mean_us=2e4, p50_us=2e4, p99_us=3e4, max_us=9e4)
    found = judge("faster", claim(at_most=0.5), "fair", failing, sound)
    assert found.verdict == "undecided"
    assert math.isinf(found.estimate.high)
    assert found.remarks == [
        "Flask: Known by its bounds only in trials 1, 2, 3. 99.0 % were errors."
    ]
    assert judge("slower", claim(at_least=2), "fair", sound, failing).verdict == "undecided"


def test_two_lower_bounds_have_no_ratio():
    bounds = CellTrials("Django", [Span.at_least(5.0)] * 3, 3, numbers=[1, 2, 3])
    found = judge("wait", claim(at_most=0.5), "fair", bounds, bounds)
    assert (found.verdict, found.estimate.value) == ("undecided", None)
    assert "never answered" in found.reason


def test_a_share_stands_alone():
    found = judge("none", claim(at_most=1), "fair", side([0.1, 0.2, 0.15]), None)
    assert found.verdict == "reproduced"
    assert found.reason.count("%") == 3


def test_without_a_trial_that_counts_the_reason_names_the_cell_and_the_cause():
    of = CellTrials("Django, index", [], 2, ["Trial 1: Invalid: CPU stolen."])
    found = judge("more", claim(at_least=2), "fair", of, side([1, 2, 3]))
    assert (found.verdict, found.estimate) == ("no data", None)
    assert "Django, index" in found.reason
    assert "CPU stolen" in found.reason


def test_trials_left_out_or_doubtful_are_named_beside_the_verdict():
    found = judged(
        [4, 4, 4], [1, 1, 1], {"at_least": 2}, left_out=["Trial 4: Failed."], doubtful=["Swap."]
    )
    assert found.verdict == "reproduced"
    assert "Trial 4: Failed." in found.remarks[0]
    assert "Swap." in found.remarks[1]


def test_a_calibration_is_not_compared_with_another_load():
    assert judged([4], [1], {"at_least": 2}, calibration=True).verdict == "not comparable"


@given(TRIALS, TRIALS, RATIOS, st.sampled_from([2.0**k for k in range(-20, 21)]))
def test_the_unit_of_the_figures_does_not_matter(of, to, limit, factor):
    before = judged(of, to, {"at_least": limit})
    after = judged([v * factor for v in of], [v * factor for v in to], {"at_least": limit})
    assert (after.verdict, after.estimate) == (before.verdict, before.estimate)


@given(TRIALS, TRIALS, RATIOS)
def test_at_least_and_at_most_the_same_ratio_are_opposites(of, to, limit):
    least, most = (judged(of, to, {key: limit}).verdict for key in ("at_least", "at_most"))
    allowed = {
        ("reproduced", "not reproduced"),
        ("not reproduced", "reproduced"),
        ("undecided", "undecided"),
        ("reproduced", "reproduced"),  # the interval is the limit itself
        ("reproduced", "undecided"),  # it begins at the limit
        ("undecided", "reproduced"),  # it ends there
    }
    assert (least, most) in allowed


@given(TRIALS, TRIALS, RATIOS, st.floats(1, 10))
def test_a_wider_range_never_makes_a_claim_fail(of, to, limit, wider):
    order = ["not reproduced", "undecided", "reproduced"]
    narrow = judged(of, to, {"at_least": limit}).verdict
    wide = judged(of, to, {"at_least": limit / wider}).verdict
    assert order.index(wide) >= order.index(narrow)


@given(TRIALS, TRIALS, RATIOS, st.floats(1, 100), st.sampled_from(["of", "to"]))
def test_knowing_less_never_turns_a_verdict_into_its_opposite(of, to, limit, more, which):
    spans = {"of": exact(of), "to": exact(to)}
    before = decide(estimate(spans["of"], spans["to"]), Accept(at_least=limit))
    spans[which] = [Span(span.value, span.low, span.high * more) for span in spans[which]]
    after = decide(estimate(spans["of"], spans["to"]), Accept(at_least=limit))
    assert after in (before, "undecided")


def test_of_nothing_known_nothing_is_decided():
    unknown = Estimate(None, 0, math.inf, "unpaired")
    assert decide(unknown, Accept(at_least=0)) == "undecided"


def test_a_percentile_of_all_trials_between_two_bounds_is_told_by_both():
    cell = CellTrials(
        "x", [Span.exact(9e3), Span.exact(3e4)], 2, numbers=[1, 2], merge=lambda _: Span(0, 0, 3e4)
    )
    assert verdicts.cell_text("response_p50_us", cell) == "0 ms to 30.0 ms"
    merged = replace(cell, merge=lambda _: Span.at_least(9e3))
    assert (
        verdicts.cell_text("response_p50_us", replace(merged, spans=merged.spans[:1])) == "9.00 ms"
    )
