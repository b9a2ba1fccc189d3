"""Which trials count, and what is said of those that do not."""

import math
from dataclasses import replace

import pytest

from analysis.ratio import Span
from analysis.trials import (
    CellTrials,
    counts,
    doubts,
    reasons,
    remarks_on,
    summarised,
    told_by,
    why_left_out,
    why_nothing_is_known,
    worst,
)  # fmt: skip
from testbed.model.results import Failure, Finding
from tests.unit.report import builder


def found(verdict, sentence="CPU stolen: 12 %", check="steal"):
    return Finding(check=check, verdict=verdict, sentence=sentence)


def trial(number, goodput=1000.0, *, verdict="valid", findings=(), **other):
    figures = None if "failure" in other else builder.output(goodput_rps=goodput)
    return builder.run(
        number, "flask", "index", trial=number, verdict=verdict, findings=list(findings),
        figures=figures, **other,
    )  # fmt: skip


def failed(number, *, interrupted=False):
    failure = Failure(stage="load", message="it was killed", interrupted=interrupted)
    return trial(number, failure=failure, verdict="invalid")


def goodput(record):
    value = record.output.goodput_rps
    return None if value is None else Span.exact(value)


def of(records, planned=None):
    return told_by("Flask, index", records, planned or len(records), goodput)


def values(cell):
    return [span.value for span in cell.spans]


INVALID = trial(3, verdict="invalid", findings=[found("invalid")])
DOUBTFUL = trial(2, 2000.0, verdict="doubtful", findings=[found("doubtful")])


@pytest.mark.parametrize(
    ("record", "does"),
    [
        (trial(1), True),
        (DOUBTFUL, True),
        (INVALID, False),
        (failed(1), False),
        (failed(1, interrupted=True), False),
    ],
)
def test_valid_and_doubtful_trials_count(record, does):
    assert counts(record) is does


def test_the_trials_that_count_are_told_and_the_others_named():
    cell = of([trial(1), DOUBTFUL, INVALID, failed(4), failed(5, interrupted=True)])
    assert values(cell) == [1000, 2000]
    assert cell.mean == 1500
    assert cell.left_out == [
        "Trial 3: Invalid: CPU stolen: 12 %.",
        "Trial 4: Failed at 'load': it was killed.",
        "Trial 5: Interrupted at 'load': it was killed.",
    ]
    assert cell.doubtful == ["CPU stolen (trial 2)."]


def test_trials_are_in_the_order_of_their_numbers_however_they_were_run():
    assert values(of([trial(3, 30.0), trial(1, 10.0), trial(2, 20.0)])) == [10, 20, 30]


def test_a_trial_whose_generator_does_not_tell_the_figure_is_left_out():
    cell = of([trial(1, None), trial(2)])
    assert values(cell) == [1000]
    assert cell.left_out == ["Trial 1: This figure was not obtained."]


@pytest.mark.parametrize(("planned", "said"), [(4, "3 trials"), (2, "1 trial")])
def test_trials_not_measured_are_counted(planned, said):
    assert of([trial(1)], planned).left_out == [f"{said} not measured."]


def test_more_trials_than_planned_lack_none():
    assert of([trial(1), trial(2)], 1).left_out == []


def test_one_trial_and_zeros_are_figures_like_others():
    cell = of([trial(1, 0.0)])
    assert (cell.mean, cell.measured, cell.bounded) == (0, True, False)
    assert (cell.left_out, remarks_on([cell]), why_nothing_is_known([cell])) == ([], [], None)


def test_with_no_trial_that_counts_there_is_no_mean_but_a_reason():
    cell = of([INVALID])
    assert (cell.mean, cell.measured) == (None, True)
    unmeasured = CellTrials("Django, index", [], 0)
    assert not unmeasured.measured
    assert why_nothing_is_known([cell, unmeasured, of([trial(1)])]) == (
        "Not measured: Django, index. "
        "Flask, index: no trial counts. Trial 3: Invalid: CPU stolen: 12 %."
    )


def test_remarks_say_how_far_a_figure_is_to_be_trusted():
    cell = of([trial(1, calibration=True), DOUBTFUL, INVALID])
    counted, doubted, calibration = remarks_on([cell])
    assert counted.startswith("Flask, index: 2 of 3 trials counted. Trial 3: Invalid")
    assert doubted == "Flask, index: counted, but doubtful. CPU stolen (trial 2)."
    assert "calibration" in calibration


def test_a_doubt_about_the_tool_s_output_says_which():
    said = found("doubtful", "the generator's output: No latency was recorded.", "tool_output")
    cell = of([trial(1, verdict="doubtful", findings=[said])])
    assert cell.doubtful == ["The generator's output: No latency was recorded (trial 1)."]


def test_a_doubt_is_said_once_with_all_trials_that_have_it():
    swapped = found("doubtful", "swapped 4 KiB", "swap")
    both = [trial(n, verdict="doubtful", findings=[found("doubtful")]) for n in (1, 2)]
    other = trial(3, verdict="doubtful", findings=[swapped, found("valid")])
    assert doubts([*both, other]) == ["CPU stolen (trials 1; 2).", "Swapped 4 KiB (trial 3)."]


def test_a_doubt_about_many_runs_tells_their_number_and_one_about_a_host_what_it_is():
    busy = found("doubtful", "client: 20 % of the CPUs in use (limit 10): others work", "load")
    idle = found("doubtful", "server: 30 % of the CPUs in use (limit 10): others work", "load")
    many = [trial(n, verdict="doubtful", findings=[busy, idle]) for n in range(1, 7)]
    said = doubts([*many, trial(7), trial(8, verdict="invalid", findings=[busy])])
    assert said == ["Client: 20 % of the CPUs in use (limit 10) (in 6 of 7 runs, from trial 1 on)."]


def test_a_summary_takes_what_counts_and_else_what_has_figures():
    assert summarised([trial(1), INVALID, failed(4)]) == [trial(1)]
    assert summarised([INVALID, failed(4)]) == [INVALID]
    assert summarised([failed(4)]) == []


def test_the_worst_standing():
    assert worst(["valid", "invalid", "doubtful"], otherwise="failed") == "invalid"
    assert worst([], otherwise="interrupted") == "interrupted"


def test_a_sound_run_needs_no_reasons_and_others_have_the_worst_first():
    assert reasons(trial(1)) == []
    findings = [found("valid"), found("invalid"), found("doubtful")]
    words = [one.partition(":")[0] for one in reasons(trial(1, findings=findings))]
    assert words == ["Invalid", "Doubtful", "Remark"]


def test_why_a_trial_is_left_out_is_kept_short():
    lost = trial(1, verdict="invalid", findings=[found("invalid", "so " * 200)])
    (sentence,) = why_left_out([lost])
    assert len(sentence) < 180
    assert sentence.endswith("….")


def test_trials_and_cells_that_are_left_out_alike_are_told_in_one_sentence():
    busy = [f"{percent} % of the CPUs in use" for percent in (98, 100)]
    lost = [
        trial(number, verdict="invalid", findings=[found("invalid", why)])
        for number, why in enumerate([*busy, "CPU stolen"], start=1)
    ]
    cell = of(lost)
    edited = [
        trial(
            number, verdict="invalid", findings=[found("invalid", f"x-t{number}/run.json edited")]
        )
        for number in (1, 2)
    ]
    assert len(of(edited).left_out) == 2
    why = ["Trials 1; 2: Invalid: 98 to 100 % of the CPUs in use.", "Trial 3: Invalid: CPU stolen."]
    assert cell.left_out == why
    other = replace(cell, label="Django")
    assert why_nothing_is_known([cell, other]) == (
        f"Flask, index; Django: no trial counts. {' '.join(why)}"
    )


def test_of_lower_bounds_the_mean_is_one_and_json_says_so():
    cell = CellTrials("Flask", [Span.at_least(4.0), Span.exact(2.0), Span(3, 1, 5)], 3)
    assert (cell.mean, cell.lower_bound, cell.bounded) == (3, True, True)
    assert cell.document() == {
        "mean": 3, "trials": [4, 2, 3], "lower_bound": True, "trials_planned": 3,
        "calibration": False,
    }  # fmt: skip
    assert CellTrials("Flask", [Span.exact(math.inf)], 1).document()["mean"] is None
