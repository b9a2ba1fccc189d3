"""Each check finds what it is for, and only that."""

import re

import pytest

from testbed.model.results import OpenFiles, SqlSeen
from testbed.model.tool_output import Distribution, Errors
from tests.unit.testbed.sound_run import (
    HOG,
    QUIET,
    RIGHT,
    SEEN,
    SINCE_BOOT_S,
    before,
    judge_in,
    lag,
    output,
    rows,
    served,
)

AT_ONCE = Distribution(mean=1000, max=3000)


@pytest.fixture
def judge(tmp_path):
    """Judges a sound run with some of its evidence changed; (check, verdict, sentence) of each."""
    return judge_in(tmp_path)


def test_a_sound_run_is_valid(judge):
    assert judge() == []


@pytest.mark.parametrize(
    ("lag_us", "service_us", "verdicts"),
    [
        (1500, 60_000, []),  # 2.5 % of what most requests take
        (1500, 30_000, ["doubtful"]),
        (900, 2000, []),
        (12_000, 900_000, ["invalid"]),
    ],
)
def test_a_lag_is_judged_beside_what_the_server_takes(judge, lag_us, service_us, verdicts):
    slow = Distribution(percentiles={"50": service_us})
    late = lag(lag_us).model_copy(update={"service_us": slow})
    assert [verdict for check, verdict, _ in judge(output=late) if check == "generator_lag"] == (
        verdicts
    )


def test_correct_answers_after_the_deadline_are_correct_all_the_same(judge):
    late = output(correct=10, goodput_rps=0, good_within_ms=100)
    assert "no_good_answer" not in [check for check, *_ in judge(output=late)]


@pytest.mark.parametrize(
    ("changes", "check", "verdict", "words"),
    [
        ({"output": lag(1500)}, "generator_lag", "doubtful", "p99 1500 us"),
        ({"output": lag(20000)}, "generator_lag", "invalid", "p99 20000 us"),
        (
            {"output": output(busiest_process_cpu_percent=90)},
            "generator_cpu",
            "doubtful",
            "90 % of a core",
        ),
        (
            {"output": output(busiest_process_cpu_percent=99)},
            "generator_cpu",
            "invalid",
            "99 % of a core",
        ),
        ({"output": output(goodput_rps=0)}, "no_good_answer", "invalid", "not one request"),
        ({"output": output(correct=0)}, "no_good_answer", "invalid", "not one request"),
        ({"output": output(problems=["It lies."])}, "tool_output", "doubtful", "It lies."),
        (
            {"output": output(unsent=120, service_us=AT_ONCE)},
            "rate_reached",
            "doubtful",
            "2.0 % of the requests due were never sent: the server answered so fast",
        ),
        (
            {"output": output(unsent=600, service_us=AT_ONCE)},
            "rate_reached",
            "invalid",
            "10.0 % of the requests due were never sent: the server answered so fast",
        ),
        ({"output": output(due=500, requests=500)}, "tail_samples", "doubtful", "only 500 answers"),
        ({"sql": None}, "sql", "doubtful", "was not observed"),
        ({"sql": []}, "sql", "invalid", "0 calls for 6000 answers, 100.0 % off"),
        (
            {"sql": [SEEN.model_copy(update={"calls": 6200})]},
            "sql",
            "doubtful",
            "6200 calls for 6000 answers, 3.0 % off",
        ),
        (
            {"sql": [SEEN, SqlSeen(text="x", calls=3, calls_per_request=0.1, kind="unexpected")]},
            "sql",
            "invalid",
            "does not declare, 3 calls: x",
        ),
        ({"unit": {"ActiveState": "failed"}}, "daemon", "invalid", "not active .* but failed"),
        ({"unit": None}, "daemon", "invalid", "but unknown"),
        (
            {"server": rows(app_processes_ended=lambda t: t // 30)},
            "workers_ended",
            "doubtful",
            "1 of the app's processes ended meanwhile",
        ),
        (
            {"unit": {"ActiveState": "active", "NRestarts": "2"}},
            "daemon",
            "invalid",
            "restarted 2 times",
        ),
        (
            {"answers": [RIGHT.model_copy(update={"ok": False, "problem": "status 500"})]},
            "answer",
            "invalid",
            "after the load: status 500",
        ),
        (
            {"output": output(errors=Errors(connect=0, wrong_body=1))},
            "answer",
            "doubtful",
            "0.017 % of the answers during the load had another body",
        ),
        (
            {"unit": {"ActiveState": "active", "NRestarts": "0", "MainPID": "8"}, "main_pid": 7},
            "daemon",
            "invalid",
            "was started anew",
        ),
        ({"server": rows(steal_percent=3)}, "steal", "doubtful", "server: 3.0 % CPU stolen"),
        ({"client": rows(steal_percent=30)}, "steal", "invalid", "client: 30.0 % CPU stolen"),
        ({"client": rows(swap_out_bytes=lambda t: t)}, "swap", "doubtful", "59 bytes swapped"),
        ({"client": []}, "telemetry", "doubtful", "client: nothing was recorded"),
        (
            {"server": [r for r in rows() if not 9 < r["monotonic_s"] - SINCE_BOOT_S < 15]},
            "telemetry",
            "doubtful",
            "server: 5.0 s more than asked without",
        ),
        (
            {"server": rows(count=57)},
            "telemetry",
            "doubtful",
            "server: 3.0 s more than asked without",
        ),
        (
            {"client": rows(step_s=31)},
            "telemetry",
            "invalid",
            "client: 30.0 s more than asked without",
        ),
        (
            {"server": rows(t_s=lambda t: t + (0.06 if t > 30 else 0))},
            "clock",
            "doubtful",
            "server: the clock jumped by 0.060 s",
        ),
        (
            {"client": rows(t_s=lambda t: t - (3600 if t > 30 else 0))},
            "clock",
            "invalid",
            "client: the clock jumped by 3600.000 s",
        ),
        (
            {
                "server": rows(
                    t_s=lambda t: t + (0.5 if t > 30 else 0),
                    suspended_s=lambda t: 600 + (0.5 if t > 30 else 0),
                )
            },
            "suspended",
            "doubtful",
            "server: it slept for 0.5 s",
        ),
        (
            {"server": rows(cpu_mhz=lambda t: 1200 if t == 7 else 2900)},
            "frequency",
            "doubtful",
            r"server: the CPUs fell 60 % below their full frequency \(governor performance\)",
        ),
        (
            {"client": rows(thermal_throttles=lambda t: 12 + t // 30)},
            "thermal_throttling",
            "doubtful",
            "client: CPUs were slowed down 1 times",
        ),
        (
            {"server": rows(quota_periods=lambda t: 10 * t, quota_throttles=lambda t: t // 2)},
            "quota_throttling",
            "doubtful",
            "server: a CPU quota .* in 5 % of its periods",
        ),
        (
            {"client": rows(quota_periods=lambda t: 10 * t, quota_throttles=lambda t: 10 * t)},
            "quota_throttling",
            "invalid",
            "client: a CPU quota .* in 100 % of its periods",
        ),
        (
            {"before": {"server": QUIET, "client": before(cpu_percent=12)}},
            "other_load",
            "doubtful",
            "client: 12 % of the CPUs in use before the app was started",
        ),
        (
            {"before": {"server": before(cpu_percent=60, busiest=[HOG]), "client": QUIET}},
            "other_load",
            "invalid",
            r"server: 60 % of the CPUs in use .* \(c{x}c1 99 %\)",
        ),
        (
            {"before": {"server": before(cpus=16, cpu_percent=5), "client": QUIET}},
            "other_load",
            "doubtful",
            "server: 0.80 CPUs in use",
        ),
        (
            {"open_files": OpenFiles(app=109, generator=None)},
            "open_files",
            "doubtful",
            "the app may open only 109 files, of 10 connections",
        ),
        (
            {"open_files": OpenFiles(app=None, generator=64)},
            "open_files",
            "doubtful",
            "the generator may open only 64 files",
        ),
        (
            {"output": served(none=1, min=0, p5=0)},
            "starved_connections",
            "doubtful",
            "1 of 10 got no answer, .* at most 0, 100 % less than their share of 600",
        ),
        (
            {"output": served(p5=290)},
            "starved_connections",
            "doubtful",
            "a twentieth at most 290, 52 % less than",
        ),
        (
            {"output": served(none=8, min=0, p5=0, p50=0, p95=3000, max=3000)},
            "starved_connections",
            "doubtful",
            "8 of 10 got no answer",
        ),
        (
            {"rows": {"agents": 201, "o{w}n": 1}},
            "unequal_data",
            "doubtful",
            r"agents 201 rows \(first 200\), o{w}n 1 rows \(first 0\)",
        ),
        (
            {"postgresql": {"fsync": "off"}, "first_postgresql": {"fsync": "on", "jit": "off"}},
            "unequal_settings",
            "doubtful",
            r"fsync off \(first on\), jit None \(first off\)",
        ),
        (
            {"settings": {"database_auth": "md5"}, "database_logins": {"md5 over unix": 20}},
            "database_login",
            "invalid",
            "20 statements came by a login with md5 over unix, asked was md5 over tcp",
        ),
        (
            {"workers": {"one": 1, "other": 3}},
            "unequal_workers",
            "doubtful",
            "unequal workers: one 1, other 3",
        ),
        (
            {"server": rows(net_tx_bytes=lambda t: t * 950e6 / 8)},
            "link_use",
            "doubtful",
            "used to 100 %",
        ),
    ],
)
def test_each_check_can_fail(judge, changes, check, verdict, words):
    findings = judge(**changes)
    assert [finding[:2] for finding in findings] == [(check, verdict)]
    assert re.search(words, findings[0][2])
