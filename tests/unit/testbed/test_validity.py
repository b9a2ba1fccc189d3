"""Each check finds what it is for, and only that."""

import csv
import re
from datetime import UTC, datetime

import pytest

from testbed import validity
from testbed.model.catalogue import Statement
from testbed.model.results import (
    AnswerCheck,
    Failure,
    LinkDirection,
    LinkRecord,
    Load,
    RoundTrip,
    SqlSeen,
)
from testbed.model.tool_output import Distribution, Errors, ToolOutput

LOAD = Load(
    mode="constant_rate",
    generator="pacer",
    from_host="client",
    rate_rps=100,
    connections=10,
    threads=1,
    duration_s=60,
    warmup_s=1,
    timeout_s=5,
)
OUTPUT = ToolOutput(
    tool="pacer",
    duration_s=60,
    requests=6000,
    throughput_rps=100,
    goodput_rps=100,
    due=6000,
    unsent=0,
    errors=Errors(connect=0),
    lag_us=Distribution(percentiles={"99": 100}),
    cpu_percent=20,
)
RIGHT = AnswerCheck(
    when="after", ok=True, status=200, content_type="application/json", body_bytes=2
)
SEEN = SqlSeen(text="select 1", calls=6000, calls_per_request=1.0, kind="declared")
LINK = LinkRecord(
    schema_version=1,
    measured_at=datetime(2026, 1, 1, tzinfo=UTC),
    hosts={"server": "s", "client": "c"},
    directions=[
        LinkDirection(source="client", target="server", mbit_per_s=950),
        LinkDirection(source="server", target="client", mbit_per_s=950),
    ],
    round_trip_ms=RoundTrip(min=0.1, mean=0.1, max=0.2, samples=20),
    nics={},
    floor_mbit_per_s=900,
    ok=True,
)
ROW = {
    "t_s": 0.0,
    "cpu_percent": 50,
    "steal_percent": 0,
    "swap_in_bytes": 7,
    "swap_out_bytes": 7,
    "net_tx_bytes": 0,
}


def rows(count=60, **columns):
    """Samples a second apart; a column may be a function of the second."""
    return [
        ROW | {"t_s": float(t)} | {k: v(t) if callable(v) else v for k, v in columns.items()}
        for t in range(count)
    ]


@pytest.fixture
def judge(tmp_path):
    """Judges a sound run with some of its evidence changed; (check, verdict, sentence) of each."""

    def judged(server=None, client=None, **changes):
        for role, samples in (("server", server), ("client", client)):
            samples = rows() if samples is None else samples
            with (tmp_path / f"telemetry-{role}.csv").open("w", newline="") as stream:
                writer = csv.DictWriter(stream, fieldnames=list(ROW))
                writer.writeheader()
                writer.writerows(samples)
        evidence = {
            "load": LOAD,
            "output": OUTPUT,
            "answers": [RIGHT],
            "sql": [SEEN],
            "statements": [Statement(texts=["select 1"])],
            "unit": {"ActiveState": "active", "NRestarts": "0"},
            "failure": None,
            "link": LINK,
            "generator_processes": 1,
            "folder": tmp_path,
        }
        if changes.get("output") and "sql" not in changes:  # each answer took its statement
            answered = changes["output"].requests
            evidence["sql"] = [SEEN.model_copy(update={"calls": answered})]
        findings = validity.judge(validity.Evidence(**(evidence | changes)))
        return [(finding.check, finding.verdict, finding.sentence) for finding in findings]

    return judged


def output(**changes):
    return OUTPUT.model_copy(update=changes)


def lag(p99):
    return output(lag_us=Distribution(percentiles={"99": p99}))


def test_a_sound_run_is_valid(judge):
    assert judge() == []


@pytest.mark.parametrize(
    ("changes", "check", "verdict", "words"),
    [
        ({"output": lag(1500)}, "generator_lag", "doubtful", "p99 1500 us"),
        ({"output": lag(20000)}, "generator_lag", "invalid", "p99 20000 us"),
        ({"output": output(cpu_percent=90)}, "generator_cpu", "doubtful", "90 % of a core"),
        ({"output": output(cpu_percent=99)}, "generator_cpu", "invalid", "99 % of a core"),
        ({"output": output(goodput_rps=0)}, "no_good_answer", "invalid", "not one request"),
        ({"output": output(problems=["It lies."])}, "tool_output", "doubtful", "It lies."),
        ({"output": output(unsent=120)}, "rate_reached", "doubtful", "2.0 % of the requests due"),
        ({"output": output(unsent=600)}, "rate_reached", "invalid", "10.0 % of the requests"),
        ({"output": output(due=500, requests=500)}, "tail_samples", "doubtful", "only 500 answers"),
        ({"sql": None}, "sql", "doubtful", "was not observed"),
        ({"sql": []}, "sql", "invalid", "0 calls for 6000 answers, 100.0 % off"),
        (
            {"sql": [SEEN.model_copy(update={"calls": 6200})]},
            "sql",
            "doubtful",
            "6200 calls for 6000 answers, 3.2 % off",
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
        ({"server": rows(steal_percent=3)}, "steal", "doubtful", "server: 3.0 % CPU stolen"),
        ({"client": rows(steal_percent=30)}, "steal", "invalid", "client: 30.0 % CPU stolen"),
        ({"client": rows(swap_out_bytes=lambda t: t)}, "swap", "doubtful", "59 bytes swapped"),
        ({"client": []}, "telemetry", "doubtful", "client: nothing was recorded"),
        (
            {"server": [r for r in rows() if not 9 < r["t_s"] < 15]},
            "telemetry",
            "doubtful",
            "6.0 s without",
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


def timeline(folder, completed):
    lines = [f"{second},measured,{count}" for second, count in enumerate(completed)]
    text = "\n".join(["second,phase,completed", "-1,warmup,0", *lines])
    (folder / "timeline.csv").write_text(text)


def test_throughput_that_still_rises_is_doubtful(judge, tmp_path):
    timeline(tmp_path, [100 + 2 * second for second in range(30)])
    ((check, verdict, sentence),) = judge()
    assert (check, verdict) == ("steady", "doubtful")
    assert "drifted by 47 %" in sentence


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


def test_percentiles_cut_off_by_overload_are_remarked(judge):
    found = judge(server=rows(cpu_percent=99), output=output(unsent=3000, requests=3000))
    assert [(check, verdict) for check, verdict, _ in found] == [("censored", "valid")]
    assert "from the 50.0th percentile on are lower bounds" in found[0][2]


def test_a_rate_not_reached_by_a_busy_server_is_a_result(judge):
    found = judge(server=rows(cpu_percent=99), output=output(unsent=3000))
    assert "rate_reached" not in [check for check, _, _ in found]


def test_queries_of_requests_without_an_answer_are_not_held_against_the_app(judge):
    seen = SEEN.model_copy(update={"calls": 6000 + 10 + 300})
    found = judge(sql=[seen], output=output(unanswered=300, due=6300))
    assert "sql" not in [check for check, _, _ in found]


def test_cpu_use_is_per_generator_process(judge):
    assert judge(output=output(cpu_percent=160), generator_processes=2) == []


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
