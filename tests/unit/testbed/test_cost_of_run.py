"""What a run cost, from the counters in its telemetry."""

import csv
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.model.results import Cost, RunRecord
from testbed.validity import Evidence, Expected, cost
from tests.unit.testbed.sound_run import LOAD, QUIET, ROW, RUN

START_S = 1.8e9
IDLE = QUIET.model_copy(update={"clock_offset_s": 0.0, "host_cpu_ms_per_s": 20.0})
RATES = {  # milliseconds per second
    "app_cpu_usec": 400.0,
    "postgresql_cpu_usec": 150.0,
    "redis_cpu_usec": 50.0,
    "host_cpu_usec": 735.0,
    "telemetry_cpu_usec": 10.0,
    "app_pss_cpu_usec": 5.0,
}
GROUPS = {"app_cpu_of_group": 1, "postgresql_cpu_of_group": 1, "redis_cpu_of_group": 1}


def samples(rates=RATES, **columns):
    """A row for each second: 30 s before the measured part of 60 s, and 20 s after it."""
    rows = []
    for second in range(-30, 81):
        measured_s = min(max(second, 0), 60)
        row = ROW | GROUPS | {"t_s": START_S + second, "monotonic_s": 5000 + second}
        row |= {name: 7e6 + 1000 * rate * measured_s for name, rate in rates.items()}
        rows.append(row | {k: v(second) if callable(v) else v for k, v in columns.items()})
    return rows


def of(folder, rows, **changes):
    if rows:
        with (folder / "telemetry-server.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    changes = {
        "load": LOAD,
        "measured_from": datetime.fromtimestamp(START_S, UTC),
        "before": {"server": IDLE},
    } | changes
    return cost.of_run(Evidence(RUN.model_copy(update=changes), folder, Expected()))


def test_the_host_is_split_and_the_idle_host_taken_off(tmp_path):
    found = of(tmp_path, samples())
    assert found.app_ms_per_s == pytest.approx(400)
    assert found.services_ms_per_s == pytest.approx({"postgresql": 150, "redis": 50})
    assert found.kernel_ms_per_s == pytest.approx(735 - 400 - 150 - 50 - 10 - 5 - 20)
    assert found.of_groups is True
    assert found.memory_peak_bytes is None


@settings(max_examples=20)
@given(
    st.fixed_dictionaries({name: st.floats(0, 4000) for name in RATES if name != "host_cpu_usec"}),
    st.floats(0, 1000),
    st.floats(0, 400),
)
def test_any_rates_are_recovered(tmp_path_factory, rates, kernel, idle):
    whole = sum(rates.values()) + kernel + idle
    before = {"server": IDLE.model_copy(update={"host_cpu_ms_per_s": idle})}
    rows = samples(rates | {"host_cpu_usec": whole})
    found = of(tmp_path_factory.mktemp("run"), rows, before=before)
    assert found.app_ms_per_s == pytest.approx(rates["app_cpu_usec"], abs=1e-3)
    assert found.kernel_ms_per_s == pytest.approx(kernel, abs=1e-3)


def test_less_than_the_idle_host_is_nothing(tmp_path):
    assert of(tmp_path, samples(RATES | {"host_cpu_usec": 600.0})).kernel_ms_per_s == 0


def test_one_program_read_by_its_processes_is_told(tmp_path):
    assert of(tmp_path, samples(redis_cpu_of_group=0)).of_groups is False


@pytest.mark.parametrize("gap", [lambda second: "", lambda second: 9e9 - 1e6 * second])
def test_a_service_that_is_not_told_leaves_the_rest_open(tmp_path, gap):
    found = of(tmp_path, samples(redis_cpu_usec=gap))
    assert found.services_ms_per_s["redis"] is None
    assert found.services_ms_per_s["postgresql"] == pytest.approx(150)
    assert found.kernel_ms_per_s is None


def test_an_idle_host_that_was_not_watched_leaves_the_rest_open(tmp_path):
    before = IDLE.model_copy(update={"host_cpu_ms_per_s": None})
    found = of(tmp_path, samples(), before={"server": before})
    assert (found.app_ms_per_s, found.kernel_ms_per_s) == (pytest.approx(400), None)


def test_memory_at_rest_and_at_its_peak(tmp_path):
    def pss(second):
        return {-30: 100, -5: 900, 10: 200, 30: 500, 70: 800}.get(second, "")

    def worker(second):
        return {-30: 10, 10: 20, 30: 50, 70: 80}.get(second, "")

    found = of(tmp_path, samples(app_pss_bytes=pss, app_worker_pss_bytes=worker))
    assert (found.memory_rest_bytes, found.memory_peak_bytes) == (100, 500)
    assert found.memory_worker_bytes == 50


def test_a_run_without_these_counters_has_no_cost(tmp_path):
    assert of(tmp_path, []) is None
    rows = [{key: row[key] for key in ROW} for row in samples()]
    assert of(tmp_path, rows) is None


@pytest.mark.parametrize("changes", [{"measured_from": None}, {"before": {}}])
def test_a_run_whose_measured_part_is_not_known_has_no_figures(tmp_path, changes):
    found = of(tmp_path, samples(), **changes)
    assert (found.app_ms_per_s, found.kernel_ms_per_s) == (None, None)


def test_an_earlier_record_has_no_cost():
    document = json.loads(RUN.model_dump_json())
    del document["cost"]
    assert RunRecord.model_validate(document).cost is None
    assert RUN.model_copy(update={"cost": Cost()}).cost.services_ms_per_s == {}
