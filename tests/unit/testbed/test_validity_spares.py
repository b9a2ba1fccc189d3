"""What the checks let pass: results of an app that are no fault of the run, and the unknown."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from testbed import validity
from testbed.model.results import Failure, OpenFiles
from testbed.model.tool_output import Errors
from testbed.validity import figures
from tests.unit.testbed.sound_run import (
    LOAD,
    ROW,
    SEEN,
    SINCE_BOOT_S,
    before,
    evidence_in,
    judge_in,
    lag,
    output,
    rows,
    served,
    starving,
)


@pytest.fixture
def judge(tmp_path):
    """Judges a sound run with some of its evidence changed; (check, verdict, sentence) of each."""
    return judge_in(tmp_path)


def timeline(folder, completed, **columns):
    """Write a timeline of the measured part; a second without answers has no response time."""
    columns = {"completed": completed, **columns}
    seconds = zip(*columns.values(), strict=True)
    lines = [f"{second},measured,{','.join(map(str, row))}" for second, row in enumerate(seconds)]
    head = f"second,phase,{','.join(columns)}"
    text = "\n".join([head, f"-1,warmup,0{',' * (len(columns) - 1)}", *lines])
    (folder / "timeline.csv").write_text(text)


def test_throughput_that_still_rises_is_doubtful(judge, tmp_path):
    timeline(tmp_path, [100 + 2 * second for second in range(30)])
    ((check, verdict, sentence),) = judge()
    assert (check, verdict) == ("steady", "doubtful")
    assert "throughput rose by 47 % over the run" in sentence


@pytest.mark.parametrize(
    "completed",
    [
        [100 + (second * 7) % 5 for second in range(30)],  # noise
        [100 + 0.1 * second for second in range(30)],  # a trend of three percent
        [100, 200, 300],  # too short to tell
    ],
)
def test_throughput_that_has_settled_is_valid(judge, tmp_path, completed):
    timeline(tmp_path, completed)
    assert judge() == []


def test_a_queue_that_grows_is_doubtful_though_throughput_is_steady(judge, tmp_path):
    """At 103 % of the capacity, the median rises from 80 to 634 ms in a minute."""
    growing = [80_000 + 9_390 * second + 1_000 * (second % 7) for second in range(60)]
    timeline(tmp_path, [100] * 60, response_p50_us=growing)
    ((check, verdict, sentence),) = judge()
    assert (check, verdict) == ("response_steady", "doubtful")
    assert "the median response time rose by 157 % over the run" in sentence


def test_response_times_that_still_fall_are_doubtful(judge, tmp_path):
    falling = [9_000 - 100 * second for second in range(40)]
    timeline(tmp_path, [100] * 40, response_p50_us=falling)
    ((check, verdict, sentence),) = judge()
    assert (check, verdict) == ("response_steady", "doubtful")
    assert "the median response time fell by 57 % over the run" in sentence


@pytest.mark.parametrize(
    "times",
    [
        [800 + (second * 7) % 50 for second in range(30)],  # noise
        [800 + 4 * second for second in range(30)],  # a trend of fourteen percent
        [800 + 100 * second for second in range(9)],  # too short to tell
        [""] * 21 + [800 + 100 * second for second in range(9)],  # too few seconds with answers
    ],
)
def test_response_times_that_have_settled_are_valid(judge, tmp_path, times):
    timeline(tmp_path, [100] * len(times), response_p50_us=times)
    assert judge() == []


def test_fast_failures_do_not_hide_that_correct_answers_take_longer_and_longer(judge, tmp_path):
    growing, level = [800 + 100 * second for second in range(30)], [500] * 30
    timeline(tmp_path, [100] * 30, response_p50_us=level, correct_p50_us=growing)
    assert [found[:2] for found in judge()] == [("response_steady", "doubtful")]
    timeline(tmp_path, [100] * 30, response_p50_us=growing, correct_p50_us=level)
    assert judge() == []


def test_a_queue_in_which_few_requests_wait_is_doubtful_though_the_median_is_steady(
    judge, tmp_path
):
    """As of one part of a mix before a lock of its own: its p99 depends on the run's length."""
    growing, level = [5_000 + 40_000 * second for second in range(60)], [1_500] * 60
    timeline(tmp_path, [100] * 60, response_p50_us=level, response_p99_us=growing)
    ((check, verdict, sentence),) = judge()
    assert (check, verdict) == ("response_steady", "doubtful")
    assert "the p99 of a second's response times rose by 203 % over the run" in sentence
    timeline(tmp_path, [100] * 60, correct_p99_us=level, response_p99_us=growing)
    assert judge() == []


DIES_AWAY = {"tcp_segments_sent": lambda t: 100_000 * t - 1000 * max(t - 20, 0) ** 2}


def test_without_a_timeline_the_servers_segments_tell_of_a_trend(judge):
    """As of wrk, which prints no seconds; the warm-up and what comes after are left out."""
    ((check, verdict, sentence),) = judge(server=rows(**DIES_AWAY), **within(20, 50))
    assert (check, verdict) == ("steady", "doubtful")
    assert "throughput fell by 84 % over the run" in sentence
    assert judge(server=rows(tcp_segments_sent=lambda t: 5 * t), **within(20, 50)) == []


def test_without_knowing_when_the_load_was_segments_tell_nothing(judge):
    assert judge(server=rows(**DIES_AWAY)) == []


@pytest.mark.parametrize(
    ("completed", "told"), [([100] * 30, 0), ([100, 200, 300], None), ([], None)]
)
def test_no_trend_is_told_from_not_tested(tmp_path, completed, told):
    timeline(tmp_path, completed, response_p50_us=completed)
    evidence = evidence_in(tmp_path)()
    assert figures.drift_percent(evidence) == told
    assert figures.response_drift_percent(evidence) == told


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        (
            {"server": rows(listen_overflows=lambda t: 3 + t)},
            "listen_queue",
            "59 connections found the app's listen queue full",
        ),
        (
            {
                "client": rows(
                    tcp_segments_sent=lambda t: 1000 + 200 * t, tcp_retransmits=lambda t: t
                )
            },
            "retransmits",
            "client: TCP sent 0.50 % of its segments again",
        ),
        (
            {"workers": {"one": 1, "other": 3}, "unequal_workers": "as the article had it"},
            "unequal_workers",
            "one 1, other 3; as declared: as the article had it",
        ),
    ],
)
def test_what_is_no_fault_of_the_run_is_remarked(judge, changes, check, words):
    ((found, verdict, sentence),) = judge(**changes)
    assert (found, verdict) == (check, "valid")
    assert words in sentence


UNKNOWN = ("cpu_mhz", "cpu_full_mhz", "thermal_throttles", "quota_periods", "quota_throttles")


@pytest.mark.parametrize(
    "changes",
    [
        # of the network, the server's queue is the one that counts
        {"client": rows(listen_overflows=lambda t: t)},
        {"server": rows(**dict.fromkeys(UNKNOWN))},  # as a virtual machine has it
        {"server": rows(tcp_segments_sent=lambda t: 1000 + 2000 * t, tcp_retransmits=lambda t: t)},
        {"before": {}, "open_files": None, "workers": {}},  # as from an older testbed
        {"open_files": OpenFiles(app=None, generator=None)},
        {"first_rows": None},  # the first run is what others are compared with
        {"unit": {"ActiveState": "active", "NRestarts": "0", "MainPID": "7"}, "main_pid": 7},
        {"postgresql": None},
        {"rows": None},  # a workload without a database
        {"workers": {"one": 3}},  # nothing to compare it with
        # a slow beat is no gap where it was asked for
        {"server": rows(step_s=10), "client": rows(step_s=10), "telemetry_interval_s": 10},
        # NTP slews: half a millisecond a second
        {"server": rows(t_s=lambda t: t * 1.0005)},
        {"output": output(answers_per_connection=None)},
        # servers that close after each answer: chance of connects, not of connections
        {"output": output(connections_opened=6000, answers_per_connection=starving())},
        # a few answers each say nothing
        {"output": served(none=9, min=0, p5=0, p50=0, mean=19)},
        {"output": served(none=10, min=0, p5=0, p50=0, p95=0, mean=0, max=0)},
    ],
)
def test_what_is_not_to_be_judged_is_not(judge, changes):
    assert judge(**changes) == []


def test_the_clock_is_judged_apart_from_gaps(judge):
    """A clock set back or forth is no gap, and a gap is no jump of the clock."""
    jumped = judge(server=rows(t_s=lambda t: t + (7200 if t > 30 else 0)))
    assert [check for check, _, _ in jumped] == ["clock"]
    stalled = judge(server=[r for r in rows() if not 9 < r["monotonic_s"] - SINCE_BOOT_S < 40])
    assert [check for check, _, _ in stalled] == ["telemetry"]


def test_telemetry_of_older_campaigns_is_judged_by_its_wall_clock(judge):
    old = [{"t_s": 1.8e9 + t, "cpu_percent": 50} for t in range(60) if not 9 < t < 15]
    ((check, verdict, sentence),) = judge(server=old)
    assert (check, verdict) == ("telemetry", "doubtful")
    assert "5.0 s more than asked" in sentence


def test_percentiles_cut_off_by_overload_are_remarked(judge):
    found = judge(server=rows(cpu_percent=99), output=output(unsent=3000, requests=3000))
    remarks = [("rate_reached", "valid"), ("censored", "valid")]
    assert [(check, verdict) for check, verdict, _ in found] == remarks
    assert "as are percentiles from the 50.0th on" in found[1][2]


def test_what_wrk2_drops_is_remarked(judge):
    """It counts neither what was due nor what was never answered: 100/s for 60 s were asked."""
    found = judge(output=output(due=None, unsent=None, requests=3000))
    assert [(check, verdict) for check, verdict, _ in found] == [("censored", "valid")]
    assert judge(output=output(due=None, unsent=None)) == []


def test_answers_without_a_time_are_remarked(judge):
    told = {"tool": "wrk2", "due": None, "unsent": None, "threads": 2}
    found = judge(output=output(**told, timed=2590))
    assert [(check, verdict) for check, verdict, _ in found] == [("untimed", "valid")]
    assert "wrk2 timed 2590 of 6000 answers and not the others (56.8 %)" in found[0][2]
    assert judge(output=output(**told, timed=5998)) == []
    few = judge(output=output(**told, timed=500))
    assert [check for check, _, _ in few] == ["untimed", "tail_samples"]


def test_errors_among_the_answers_are_remarked(judge):
    ((check, verdict, sentence),) = judge(output=output(errors=Errors(status=600)))
    assert (check, verdict) == ("failed_answers", "valid")
    assert "10.0 % of the answers were errors" in sentence


def test_many_wrong_bodies_are_invalid(judge):
    found = judge(output=output(errors=Errors(wrong_body=60)))
    assert ("answer", "invalid") in [one[:2] for one in found]
    assert judge(output=output(errors=Errors(wrong_body=0))) == []
    assert judge(output=output(errors=Errors(wrong_body=None))) == []


def test_queries_of_requests_without_an_answer_are_not_held_against_the_app(judge):
    seen = SEEN.model_copy(update={"calls": 6000 + 10 + 300})
    found = judge(sql=[seen], output=output(unanswered=300, due=6300))
    assert "sql" not in [check for check, _, _ in found]


def within(first_s, last_s):
    """Of samples a second apart, those of the measured part of a run of 20 s."""
    ahead_s = 3.0
    looked = {role: before(clock_offset_s=ahead_s) for role in ("server", "client")}
    load = LOAD.model_copy(update={"duration_s": last_s - first_s})
    began = datetime.fromtimestamp(ROW["t_s"] - ahead_s + first_s, UTC)
    return {"before": looked, "load": load, "measured_from": began}


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        # busy in the measured part alone: idling around it does not hide that
        ({"steal_percent": lambda t: 5 if 20 < t <= 40 else 0}, ["steal"]),
        ({"net_tx_bytes": lambda t: 1.1e8 * min(max(t - 20, 0), 20)}, ["link_use"]),
        # and what the warm-up alone saw is not held against it
        ({"steal_percent": lambda t: 0 if 20 < t <= 40 else 50}, []),
    ],
)
def test_shares_are_those_of_the_measured_part(judge, columns, found):
    assert [check for check, _, _ in judge(server=rows(**columns), **within(20, 40))] == found


def test_a_load_shorter_than_two_samples_is_judged_by_all_of_them(judge):
    found = judge(server=rows(steal_percent=5), **within(20, 21.5))
    assert [check for check, _, _ in found] == ["steal"]


def test_cpu_use_is_per_generator_process(judge):
    def shares(total, busiest):
        return output(cpu_percent=total, busiest_process_cpu_percent=busiest)

    assert judge(output=shares(160, 80)) == []
    assert [found[:2] for found in judge(output=shares(110, 98))] == [("generator_cpu", "invalid")]


def test_a_failed_run_is_invalid_and_says_where(judge):
    found = judge(failure=Failure(stage="start", message="boom"), output=None, unit=None)
    assert found == [("failure", "invalid", "no figures: failed in stage 'start'")]


def test_the_worst_finding_is_the_verdict(judge):
    assert validity.worst([]) == "valid"
    evidence = judge(output=lag(20000), server=rows(steal_percent=3))
    assert {verdict for _, verdict, _ in evidence} == {"doubtful", "invalid"}


def test_every_limit_is_reasoned():
    for limit in validity.limits().values():
        assert limit.unit
        assert limit.reason
        assert limit.source


def test_every_check_is_explained():
    explained = (Path(__file__).parents[3] / "docs" / "method.md").read_text()
    missing = [
        check.__name__ for check in validity.CHECKS if f"`{check.__name__}`" not in explained
    ]
    assert missing == []
