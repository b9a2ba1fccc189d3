"""How long the other service takes is planned, and how it did is read and judged."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from testbed.asked import catalogue, experiments, plan
from testbed.asked.order import seed_of_upstream
from testbed.errors import TestbedError
from testbed.model.upstream import Upstream, UpstreamRecord
from testbed.validity import Evidence, Expected, limits, upstream
from tests.unit.testbed.sound_run import LOAD, QUIET, RUN

CATALOGUE = catalogue.load()
START_S = 1.8e9
CLIENT = QUIET.model_copy(update={"clock_offset_s": 2.5})
ASKED = UpstreamRecord(asked=Upstream(latency_ms=20), seed=1, address="198.18.0.2:8081")
EXPERIMENT = """\
schema_version: 1
title: T
description: d
workload: service
apps: [django_wsgi, fastapi]
endpoints: [upstream]
trials: 1
upstream: {latency_ms: 50, distribution: lognormal, sigma: 0.5}
variants:
  at_once: {upstream: {}}
  as_told: {}
load: {mode: constant_rate, rate_rps: 20, connections: 5, threads: 1, duration_s: 2,
  warmup_s: 1, timeout_s: 10}
"""


def planned(tmp_path: Path, text: str):
    file = tmp_path / "one.yml"
    file.write_text(text)
    return plan.plan(experiments.load(file), CATALOGUE, seed=1)


def row(second, **changes):
    told = {
        "begin_s": START_S + 2.5 + second,
        "end_s": START_S + 3.5 + second,
        "cpu_s": 0.1,
        "requests": 10,
        "answers": 9,
        "gone": 1,
        "strange": 0,
        "most_waiting": 4,
        "asked_us": {20000: 10},
        "late_us": {80: 8, 900: 1},
        "lag_us": {40: 199, 300: 1},
    }
    return json.dumps(told | changes)


def evidence(folder, *rows, record=ASKED):
    (folder / upstream.ROWS_FILE).write_text("\n".join(rows))
    changes = {
        "load": LOAD,
        "measured_from": datetime.fromtimestamp(START_S, UTC),
        "before": {"client": CLIENT},
        "upstream": record,
    }
    run = RUN.model_copy(update=changes)
    found = upstream.of_run(Evidence(run, folder, Expected()))
    return Evidence(run.model_copy(update={"upstream": found}), folder, Expected())


def test_a_variant_s_time_goes_before_the_experiment_s(tmp_path):
    runs = planned(tmp_path, EXPERIMENT)
    of = {(run.app, run.variant): run.upstream for run in runs}
    for app in ("django_wsgi", "fastapi"):
        assert of[app, "at_once"] == Upstream()
        assert of[app, "as_told"].sigma == 0.5
    assert len({seed_of_upstream(3, run.endpoint, run.run_id) for run in runs}) == 1


def test_a_workload_without_the_service_plans_none_and_takes_no_time_for_it(tmp_path):
    text = EXPERIMENT.replace("service\n", "agents\n").replace("[django_wsgi, fastapi]", "[flask]")
    text = text.replace("[upstream]", "[index]")
    with pytest.raises(TestbedError, match="workload agents asks no other service"):
        planned(tmp_path, text)
    without = "\n".join(line for line in text.splitlines() if not line.startswith("upstream:"))
    with pytest.raises(TestbedError, match="asks no other service"):
        planned(tmp_path, without)
    runs = planned(tmp_path, without.replace("upstream: {}", "settings: {}"))
    assert {run.upstream for run in runs} == {None}


def test_a_time_that_no_request_waits_for_is_refused(tmp_path):
    with pytest.raises(TestbedError, match="requests time out after") as error:
        planned(tmp_path, EXPERIMENT.replace("latency_ms: 50", "latency_ms: 60000"))
    assert error.value.place[-1] == "upstream"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("latency_ms: .inf", "finite number"),
        ("latency_ms: -1", "greater than or equal to 0"),
        ("latency_ms: 1.0e-9", "must be 0, or 0.001 at least"),
        ("latency_ms: 60001", "less than or equal to 60000"),
        ("latency: 1", "did you mean 'latency_ms'"),
        ("latency_ms: 1, distribution: normal", "'constant' or 'lognormal'"),
        ("latency_ms: 1, sigma: 1", "sigma belongs to the distribution lognormal"),
        ("latency_ms: 1, distribution: lognormal", "needs one above 0"),
        ("distribution: lognormal, sigma: 1", "above 0"),
        ("latency_ms: true", "number"),
    ],
)
def test_a_time_that_cannot_be_is_refused(tmp_path, told, said):
    text = EXPERIMENT.replace("latency_ms: 50, distribution: lognormal, sigma: 0.5", told)
    with pytest.raises(TestbedError, match=said) as error:
        planned(tmp_path, text)
    assert "one.yml:8" in str(error.value)


def test_the_measured_part_alone_is_told(tmp_path):
    rows = [row(-2), row(-0.5), row(0), row(1, most_waiting=7), "no row", row(LOAD.duration_s)]
    found = evidence(tmp_path, *rows).run.upstream
    assert (found.seconds, found.requests, found.answers, found.gone) == (2, 20, 18, 2)
    assert (found.most_waiting, found.cpu_percent) == (7, 10)
    assert found.late_us == {"50": 80, "90": 900, "99": 900, "100": 900}
    assert found.lag_us["99"] == 40
    assert found.drawn_us["50"] == 20000
    assert upstream.upstream_late(evidence(tmp_path, *rows)) == []


@pytest.mark.parametrize("column", ["late_us", "lag_us"])
@pytest.mark.parametrize("verdict", ["doubtful", "invalid"])
def test_lateness_of_its_own_convicts_it(tmp_path, column, verdict):
    bound = getattr(limits()["upstream_late_p99_us"], verdict)
    below = evidence(tmp_path, row(1, **{column: {int(bound) - 1: 9}}))
    assert verdict not in [one.verdict for one in upstream.upstream_late(below)]
    at = evidence(tmp_path, row(1, **{column: {int(bound): 9}}))
    (found,) = upstream.upstream_late(at)
    assert found.verdict == verdict
    assert "4 answers waited for at once" in found.sentence


def test_a_busy_process_convicts_it(tmp_path):
    (found,) = upstream.upstream_late(evidence(tmp_path, row(1, cpu_s=0.9)))
    assert (found.verdict, "90 % of a core" in found.sentence) == ("doubtful", True)


def test_without_rows_nobody_knows_and_where_nobody_asked_it_does_not_matter(tmp_path):
    (found,) = upstream.upstream_late(evidence(tmp_path))
    assert found.verdict == "doubtful"
    idle = row(1, requests=0, answers=0, late_us={}, lag_us={10**6: 9})
    assert upstream.upstream_late(evidence(tmp_path, idle)) == []
    assert upstream.upstream_late(evidence(tmp_path, record=None)) == []


@pytest.mark.parametrize(
    "damage",
    [{"requests": -1}, {"late_us": {"x": 1}}, {"late_us": None}, {"cpu_s": "much"}, {"end_s": []}],
)
def test_a_row_that_no_service_writes_is_left_out(tmp_path, damage):
    assert upstream.read(tmp_path / upstream.ROWS_FILE) == []
    evidence(tmp_path, row(1, **damage), row(2))
    assert len(upstream.read(tmp_path / upstream.ROWS_FILE)) == 1
