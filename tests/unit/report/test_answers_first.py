"""Answers: who is ahead, by how much and how sure, from campaigns whose truth is known."""

import dataclasses
import re

import pytest

from analysis import answer_words, answers, asked, ranking, ratio
from analysis.load import load
from testbed.model.results import Failure, Finding
from tests.unit.report import builder, question_builder

RATES = {"django": 1000.0, "flask": 1500.0, "aiohttp_api_hour": 3000.0}
SWINGS = (0.99, 1.0, 1.01)  # of the trials of each app, each in another order


def campaign(tmp_path, runs, **about):
    return load(builder.write(tmp_path / "c", builder.campaign(runs, **about), runs, curves=False))


def measured(app, number, trial, goodput_rps, **options):
    figures = builder.output(goodput_rps=goodput_rps, throughput_rps=goodput_rps, **options)
    return builder.run(number, app, "index", trial=trial, figures=figures)


def runs_of(rates, swings=SWINGS):
    return [
        measured(app, 10 * place + trial, trial, rate * swings[(place + trial) % len(swings)])
        for place, (app, rate) in enumerate(rates.items())
        for trial in range(1, len(swings) + 1)
    ]


def only(campaign):
    (answer,) = answers.answers(campaign)
    return answer


def test_the_fastest_stands_first_with_its_ratios(tmp_path):
    answer = only(campaign(tmp_path, runs_of(RATES)))
    assert [row.app for row in answer.rows] == ["aiohttp_api_hour", "flask", "django"]
    assert [row.rank for row in answer.rows] == ["1", "2", "3"]
    assert answer.sentence.startswith(
        "aiohttp + API-Hour answers 2.00 times as many as Flask + Gunicorn (1."
    )
    assert ", and 3.00 times as many as the last, Django + Gunicorn (" in answer.sentence
    assert answer.how_sure.startswith("Sure. Chance does not explain the lead (95 % confidence).")
    assert "rest on 3 trials of each app. All 9 runs count fully." in answer.how_sure
    assert answer.how_sure.endswith(" would often be missed.")
    assert answer.rows[1].ratios[1] == "1"
    assert answer.rows[2].ratios[1].startswith("1.50 (1.")


def test_the_table_tells_each_ratio_the_way_round_that_the_sentence_does(tmp_path):
    answer = only(campaign(tmp_path, runs_of(RATES)))
    assert "".join(answer.ratio_head) == " answers … times as many"
    for row in answer.rows[1:]:
        size, _, interval = row.ratios[0].partition(" ")
        assert f"{size} times as many as " in answer.sentence
        assert interval in answer.sentence


def test_few_digits_do_not_make_an_interval_look_like_its_ratio(tmp_path):
    narrow = (0.9999, 1.0, 1.0001)
    answer = only(campaign(tmp_path, runs_of({"django": 1000.0, "flask": 1083.4}, narrow)))
    told = answer.rows[1].ratios[0]
    value, low, high = (float(one) for one in re.findall(r"[\d.]+", told))
    assert low < high
    assert low <= value <= high
    assert told in answer.sentence.replace(" times as many as Django + Gunicorn", "")


def test_doubts_and_what_does_not_count_are_part_of_the_answer(tmp_path):
    late = Finding(check="generator_lag", verdict="doubtful", sentence="the generator lagged: 9 ms")
    stolen = Finding(check="steal", verdict="invalid", sentence="30 % stolen")
    runs = runs_of(RATES)
    spoilt = {
        0: {"verdict": "doubtful", "findings": [late]},
        1: {"verdict": "doubtful", "findings": [late]},
        4: {"verdict": "invalid", "findings": [stolen]},
    }
    runs = [run.model_copy(update=spoilt.get(place, {})) for place, run in enumerate(runs)]
    answer = only(campaign(tmp_path / "some", runs))
    assert answer.how_sure.startswith("Mostly. ")
    assert (
        "6 of 9 runs count fully: 2 are doubtful (the generator lagged), so that the figures "
        "may be further off than intervals say; 1 does not count at all (30 % stolen)."
    ) in answer.how_sure
    assert "rest on 3 trials of each app, 2 of Flask + Gunicorn." in answer.how_sure
    runs = [run.model_copy(update=spoilt[0]) for run in runs_of(RATES)]
    answer = only(campaign(tmp_path / "all", runs))
    assert answer.how_sure.startswith("Only in part. ")
    assert "None of 9 runs counts fully: all are doubtful (the generator lagged)" in answer.how_sure


def test_an_app_that_other_endpoints_have_is_named_where_it_is_missing(tmp_path):
    runs = runs_of(RATES)
    elsewhere = [builder.run(100 + n, "flask", "agents", trial=n) for n in (1, 2, 3)]
    of_index, of_agents = answers.answers(campaign(tmp_path, [*runs, *elsewhere]))
    assert "Not measured here" not in of_index.sentence
    assert "Not measured here: Django + Gunicorn and aiohttp + API-Hour." in of_agents.sentence


def test_one_app_alone_has_the_interval_of_its_own_figure(tmp_path):
    answer = only(campaign(tmp_path, runs_of({"django": 1000.0})))
    assert answer.how_sure.startswith("The 95 % interval of its Goodput/s is 975 to 1,025, over 3")


def test_two_that_scatter_more_than_they_differ_are_not_told_apart(tmp_path):
    wide = (0.8, 1.0, 1.2)
    answer = only(campaign(tmp_path, runs_of({"django": 1000.0, "flask": 1010.0}, wide)))
    assert [row.rank for row in answer.rows] == ["1=", "1="]
    told = "are not told apart: goodput of the first is 1.01 times that of Django + Gunicorn (0."
    assert told in answer.sentence
    opening = "Not sure. Which of Flask + Gunicorn and Django + Gunicorn is ahead may be chance."
    assert answer.how_sure.startswith(opening)


def test_of_those_that_answer_what_was_asked_the_p99_is_compared(tmp_path):
    p99_us = {"django": (9000.0, 4600.0, 6000.0), "flask": (4500.0, 8000.0, 5900.0)}
    runs = [
        measured(app, 10 * place + trial, trial, 3998.0, p99_us=one, max_us=one)
        for place, (app, of_app) in enumerate(p99_us.items())
        for trial, one in enumerate(of_app, start=1)
    ]
    answer = only(campaign(tmp_path, runs))
    told = "Flask + Gunicorn and Django + Gunicorn are not told apart: p99 of Django + Gunicorn is"
    assert answer.sentence.startswith(f"Both answer the 4,000/s asked. {told} 1.0")
    assert " times that of the first (0." in answer.sentence


def test_all_that_the_first_is_not_told_apart_from_are_told_at_once(tmp_path):
    rates = {"bottle": 1010.0, "django": 1005.0, "falcon": 1002.0, "flask": 1000.0}
    runs = runs_of(rates | {"quart": 999.0, "sanic": 400.0}, (0.97, 1.0, 1.03, 1.01, 0.99))
    answer = only(campaign(tmp_path, runs))
    assert [row.rank for row in answer.rows] == ["1="] * 5 + ["6"]
    opening = "bottle, Django + Gunicorn, falcon and 2 others are not told apart: goodput of"
    assert answer.sentence.startswith(f"{opening} the first is 1.01 times that of quart (0.9")
    assert "; the first answers 2.5" in answer.sentence
    assert "times as many as sanic (2." in answer.sentence


def test_two_that_differ_by_less_than_the_tolerance_are_level(tmp_path):
    narrow = (0.999, 1.0, 1.001)
    answer = only(campaign(tmp_path, runs_of({"django": 1000.0, "flask": 1000.2}, narrow)))
    assert "are level within 5 %" in answer.sentence
    assert answer.how_sure.startswith("Sure. They differ by less than 5 % (95 % confidence).")


def test_none_at_all_is_said_in_words(tmp_path):
    one = only(campaign(tmp_path / "one", runs_of({"django": 0.0, "flask": 10.0})))
    assert "infinitely many times as many as Django + Gunicorn, which has none" in one.sentence
    assert one.rows[1].ratios == ("\N{INFINITY}", "1")
    assert one.rows[0].ratios == ("1", "0 (0 to 0)")
    both = only(campaign(tmp_path / "both", runs_of({"django": 0.0, "flask": 0.0})))
    assert "are not told apart: both are zero" in both.sentence
    assert both.rows[1].ratios[0] == "\N{EM DASH}"
    assert both.how_sure == "All 6 runs count fully."
    assert "brackets" not in one.how_sure  # the ratio has no end, and no interval
    once = only(campaign(tmp_path / "once", runs_of({"django": 0.0, "flask": 0.0}, (1.0,))))
    assert once.sentence == both.sentence


def test_one_trial_tells_a_ratio_and_nothing_of_how_sure_it_is(tmp_path):
    answer = only(campaign(tmp_path, runs_of(RATES, (1.0,))))
    told = "Not known. One trial does not show how far chance moves a figure."
    assert answer.how_sure == f"{told} All 3 runs count fully."
    assert answer.rows[1].ratios == ("2.00", "1", "0.667")


def test_who_has_one_trial_is_said(tmp_path):
    runs = runs_of({"django": 2000.0, "flask": 1000.0})
    first, other = "Django + Gunicorn", [run for run in runs if run.app == "flask"]
    answer = only(campaign(tmp_path, [next(run for run in runs if run.app == "django"), *other]))
    assert answer.rows[0].label == first
    assert answer.how_sure.startswith(f"Not known. Of {first} there is one trial, which does not")


def test_an_app_whose_trials_all_fail_is_named(tmp_path):
    runs = runs_of({"django": 2000.0, "flask": 1000.0})
    failed = Failure(stage="load", message="it ended")
    runs = [
        run.model_copy(update={"failure": failed}) if run.app == "flask" else run for run in runs
    ]
    answer = only(campaign(tmp_path, runs))
    assert answer.sentence.endswith("to set it beside. No trial of Flask + Gunicorn counts.")


UNKNOWN = "How small a difference would show is not known"


def test_two_trials_tell_apart_what_they_do_but_not_what_they_would(tmp_path):
    answer = only(campaign(tmp_path, runs_of(RATES, (0.9999, 1.0001))))
    assert [row.told for row in answer.rows[1:]] == ["ahead", "ahead"]
    assert answer.how_sure.endswith(f"{UNKNOWN}: that takes at least 3 trials of each app.")


def test_trials_that_are_all_alike_say_so(tmp_path):
    answer = only(campaign(tmp_path, runs_of(RATES, (1.0, 1.0, 1.0))))
    assert f"{UNKNOWN}: the trials of an app are all alike" in answer.how_sure


def test_figures_of_which_bounds_are_known_say_so(tmp_path):
    rates = {"django": 1000.0, "flask": 1010.0}
    answer = only(campaign(tmp_path, runs_of(rates)))
    spans = [ratio.Span(900 + n, 890 + n, 910 + n) for n in range(3)]
    first, second = (
        dataclasses.replace(row, cell=dataclasses.replace(row.cell, spans=spans))
        for row in answer.rows
    )
    ranked = ranking.ranked([first, second], answer.metric)
    told = answer_words.how_sure(ranked, [], answer.metric)
    assert told.endswith(f"{UNKNOWN}: of the figures only bounds are known.")


def test_the_smallest_difference_is_told_of_the_steadiest_and_the_least_steady_app(tmp_path):
    swings = {"aiohttp_api_hour": SWINGS, "flask": SWINGS, "django": (0.9, 1.0, 1.1)}
    runs = [
        measured(app, 10 * place + trial, trial, rate * swings[app][(place + trial) % 3])
        for place, (app, rate) in enumerate(RATES.items())
        for trial in (1, 2, 3)
    ]
    answer = only(campaign(tmp_path, runs))
    told = [row.first_is.could_show(0.05 / 2) for row in answer.rows[1:]]
    least, most = (ratio.difference_text(one) for one in sorted(told))
    assert least != most
    under = f"With so many trials, a true difference under {least} to {most},"
    assert answer.how_sure.endswith(f"{under} depending on the other one, would often be missed.")


@pytest.mark.parametrize(
    ("times", "text"),
    [(1.004, "0.4 %"), (1.5, "50 %"), (1.999, "a factor of 2.00"), (23456.0, "a factor of 23,456")],
)
def test_a_difference_is_written_without_an_exponent(times, text):
    assert ratio.difference_text(times) == text


def test_those_that_answer_what_was_asked_are_ranked_by_their_p99(tmp_path):
    histograms = {"django": 9000.0, "flask": 4500.0}
    runs = [
        measured(app, 10 * place + trial, trial, 3998.0, p99_us=p99_us, max_us=p99_us)
        for place, (app, p99_us) in enumerate(histograms.items())
        for trial in (1, 2)
    ]
    answer = only(campaign(tmp_path, runs))
    assert answer.metric.key == "response_p99_us"
    assert answer.sentence.startswith("Both answer the 4,000/s asked. Flask")
    assert answer.rows[0].app == "flask"


def test_what_does_not_count_has_no_rank_and_a_calibration_ranks_nothing(tmp_path):
    runs = runs_of(RATES)
    finding = Finding(check="steal", verdict="invalid", sentence="30 % stolen")
    update = {"verdict": "invalid", "findings": [finding]}
    spoilt = [
        run.model_copy(update=update) if run.app == "aiohttp_api_hour" else run for run in runs
    ]
    answer = only(campaign(tmp_path / "spoilt", spoilt))
    assert [(row.app, row.rank) for row in answer.rows][-1] == ("aiohttp_api_hour", "\N{EM DASH}")
    assert answer.sentence.startswith("Flask")
    answer = only(campaign(tmp_path / "all", [run.model_copy(update=update) for run in runs]))
    assert answer.sentence == "No trial counts, so there is no answer."
    assert answer.how_sure == "None of 9 runs counts (30 % stolen)."
    calibrated = [builder.run(1, "flask", "index", calibration=True, generator="wrk")]
    answer = only(campaign(tmp_path / "calibrated", calibrated))
    assert "not ranked" in answer.sentence
    assert not answer.baselines


@pytest.mark.parametrize("rate_rps", [1000.0, None])
def test_what_was_asked_is_told_from_the_runs_themselves(tmp_path, rate_rps):
    runs = [builder.run(1, "flask", "index", rate_rps=rate_rps, duration_s=7.5)]
    told = asked.sentence(campaign(tmp_path, runs))
    assert ("1,000 requests per second" if rate_rps else "as many requests as") in told
    assert "4,000" not in told
    assert "for 7.5 s" in told


def test_stacks_of_a_question_are_ranked_at_each_point_by_itself(tmp_path):
    capacity = {"threads": (1200.0, 900.0, 500.0, 180.0), "tasks": (800.0, 801.0, 799.0, 798.0)}

    def of(stack, point, trial):
        return capacity[stack][question_builder.POINTS.index(point)] + trial

    folder = question_builder.write(tmp_path / "q", question_builder.plan(), of)
    found = answers.answers(load(folder))
    assert [one.load for one in found] == [f"{n} ms of latency" for n in (0, 10, 50, 200)]
    assert found[0].sentence.startswith("Threads, threads_0 bears 1.498 times the rate of Tasks, ")
    assert found[3].sentence.startswith("Tasks, tasks_200 bears 4.3")
    assert all(len(one.rows) == 2 for one in found)


def test_only_the_first_is_said_to_be_ahead_of_those_it_was_compared_with(tmp_path):
    """The last is not told apart from the first, and not from the second, which is behind it."""
    goodput = {"django": (1000, 1001, 999), "flask": (900, 901, 899), "falcon": (400, 1500, 500)}
    runs = [
        measured(app, 10 * place + trial, trial, float(one))
        for place, (app, of_app) in enumerate(goodput.items())
        for trial, one in enumerate(of_app, start=1)
    ]
    answer = only(campaign(tmp_path, runs))
    assert [row.rank for row in answer.rows] == ["1=", "1=", "3"]
    told = "; that Django + Gunicorn is ahead of the others is not (95 % confidence)."
    assert f"Which of Django + Gunicorn and falcon is ahead may be chance{told}" in answer.how_sure


def test_reasons_are_told_in_english():
    of_checks = {one: [one] for one in ("SQL that is not declared", "The lag", "Swap", "Steal")}
    told = answer_words.counted(["invalid"], [], [of_checks], "runs")
    assert "(in 1, SQL that is not declared; in 1, the lag; in 1, swap; 1 more reason)" in told


def test_a_lead_that_such_trials_would_often_miss_may_look_larger_than_it_is(tmp_path):
    goodput = {"django": (1000, 1100, 900), "flask": (1500, 1400, 1350)}
    runs = [
        measured(app, 10 * place + trial, trial, float(one))
        for place, (app, of_app) in enumerate(goodput.items())
        for trial, one in enumerate(of_app, start=1)
    ]
    answer = only(campaign(tmp_path, runs))
    assert answer.rows[1].told == "ahead"
    assert answer.how_sure.endswith(
        "missed; a lead below that, as here, may look larger than it is."
    )
    steady = only(campaign(tmp_path / "steady", runs_of(RATES)))
    assert steady.how_sure.endswith(" would often be missed.")
