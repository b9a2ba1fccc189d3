from types import SimpleNamespace

import pytest

from testbed.asked import experiments
from testbed.cli import options, tasks
from testbed.errors import TestbedError
from testbed.model.experiment import Experiment
from testbed.run import record
from testbed.tools.table import GENERATORS


def test_the_published_rounds_have_the_article_s_parameters():
    loads = {
        n: experiments.load(experiments.find(n)).load for n in ("calibration", "round2", "round3")
    }
    shown = {
        name: (load.rate_rps, load.threads, load.connections, load.duration_s, load.from_host)
        for name, load in loads.items()
    }
    assert shown == {
        "calibration": (None, 12, 400, 30, "server"),
        "round2": (4000, 12, 400, 300, "client"),
        "round3": (10, 10, 10, 30, "client"),
    }


def test_options_override_and_are_told():
    experiment = experiments.load(experiments.find("round2"))
    given = options.read({"rate": "100", "apps": "flask, django", "trials": "1"})
    changed, keys = experiments.override(experiment, given.overrides())
    assert changed.load.rate_rps == 100
    assert changed.apps == ["flask", "django"]
    assert keys == ["load.rate_rps", "trials", "apps"]


def test_an_option_that_says_what_the_file_says_overrides_nothing():
    experiment = experiments.load(experiments.find("round2"))
    assert experiments.override(experiment, {"rate": 4000.0})[1] == []


def test_fewer_connections_take_the_threads_down():
    experiment = experiments.load(experiments.find("round2"))
    changed, keys = experiments.override(experiment, {"connections": 4})
    assert changed.load.threads == 4
    assert keys == ["load.connections", "load.threads"]


CLOSED = [one.name for one in GENERATORS.values() if not one.holds_a_rate]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rate": -1.0}, r"--rate: Input should be greater than 0 \(given: -1.0\)"),
        ({"trials": 0}, r"--trials: .* greater than or equal to 1"),
        ({"connections": 4, "threads": 8}, "^--connections, --threads: more threads than conn"),
        *(({"generator": name}, f"^--generator: {name} cannot hold a rate") for name in CLOSED),
        ({"generator": "wrk2", "rate": 2.5}, "^--generator: wrk2 takes whole requests"),
        ({"rate": 0.001}, "^--rate: at this rate no request falls due in duration_s$"),
        ({"rate": 0.01, "duration": 20.0}, "^--rate, --duration: at this rate no request"),
        ({"generator": "siege"}, "--generator: "),
    ],
)
def test_an_unsound_result_names_the_option(given, message):
    experiment = experiments.load(experiments.find("round2"))
    with pytest.raises(TestbedError, match=message):
        experiments.override(experiment, given)


def test_the_interval_of_telemetry_can_be_overridden():
    experiment = experiments.load(experiments.find("round3"))
    assert experiment.telemetry_interval_s is None
    given = options.read({"telemetry_interval": "0.5"}).overrides()
    changed, keys = experiments.override(experiment, given)
    assert changed.telemetry_interval_s == 0.5
    assert keys == ["telemetry_interval_s"]
    with pytest.raises(TestbedError, match="--telemetry-interval: .*0.1"):
        experiments.override(experiment, {"telemetry_interval": 0.01})


@pytest.mark.parametrize(
    ("asked_s", "duration_s", "interval_s"),
    [(None, 1, 0.125), (None, 6, 0.75), (None, 8, 1), (None, 86_400, 1), (5, 6, 5), (0.1, 30, 0.1)],
)
def test_hosts_are_sampled_each_second_and_eight_times_in_a_short_run(
    asked_s, duration_s, interval_s
):
    load = SimpleNamespace(duration_s=duration_s)
    assert record._interval_s(asked_s, load) == interval_s


def test_arrivals_and_what_is_in_time_can_be_overridden():
    experiment = experiments.load(experiments.find("round3"))
    given = {"arrivals": "poisson", "timeout_from": "due", "good_within": "250"}
    changed, keys = experiments.override(experiment, options.read(given).overrides())
    load = changed.load
    assert (load.arrivals, load.timeout_from, load.good_within_ms) == ("poisson", "due", 250)
    assert keys == ["load.timeout_from", "load.good_within_ms", "load.arrivals"]


def test_a_search_is_allowed_more_probes(search):
    changed, keys = experiments.override(search, options.read({"most_probes": "16"}).overrides())
    assert changed.load.capacity.most_probes == 16
    assert keys == ["load.capacity.most_probes"]
    with pytest.raises(TestbedError, match="--most-probes: .*less than or equal to 200"):
        experiments.override(search, {"most_probes": 201})


@pytest.fixture
def search():
    """Round 3 as a search for the capacity."""
    asked = experiments.load(experiments.find("round3")).model_dump()
    objective = {"from_rps": 100, "to_rps": 5000, "p99_ms": 50, "errors_percent": 0.1}
    asked["load"] |= {"mode": "capacity", "rate_rps": None, "capacity": objective}
    asked["load"]["warmup_rate_rps"] = None
    return Experiment.model_validate(asked)


def test_a_campaign_s_record_that_was_edited_is_named(tmp_path):
    asked = experiments.load(experiments.find("round3")).model_dump(mode="json")
    path = tmp_path / "campaign.json"
    assert experiments.recorded(asked, path).trials == 3
    with pytest.raises(TestbedError, match=r"campaign.json: asked\.trials: .*found: 'many'"):
        experiments.recorded(asked | {"trials": "many"}, path)


def test_an_unknown_experiment_names_the_nearest():
    with pytest.raises(TestbedError, match=r"(?s)unknown experiment 'raund2'.*mean 'round2'"):
        experiments.find("raund2")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rate": "fast"}, r"--rate: .*number.*given: 'fast'"),
        ({"trials": "1.5", "duration": "x"}, r"(?s)--duration: .*--trials: "),
        ({"resume": "results/x", "rate": "1"}, r"--resume .* does not go with --rate"),
        ({"resume": "results/x", "seed": "1"}, r"--resume .* does not go with --seed"),
    ],
)
def test_options_are_typed(given, message):
    with pytest.raises(TestbedError, match=message):
        options.read(given)


def test_workers_per_cpu_become_a_number():
    variants = {
        "default": {"settings": {"workers": "2 per cpu", "loop": "uvloop"}},
        "odd": {"app_settings": {"first": {"workers": "3 per cpu"}}},
    }
    asked = experiments.load(experiments.find("round3")).model_dump() | {"variants": variants}
    resolved = experiments.for_cpus(Experiment.model_validate(asked), 4).variants
    assert resolved["default"].settings == {"workers": 8, "loop": "uvloop"}
    assert resolved["odd"].app_settings == {"first": {"workers": 12}}


def test_a_ramp_s_connections_are_its_steps(tmp_path):
    path = tmp_path / "own.yml"
    load = (
        "mode: ramp, ramp: {of: users, steps: [5, 80]}, threads: 8, duration_s: 5, warmup_s: 1, "
        "timeout_s: 2"
    )
    about = "schema_version: 1\ntitle: t\ndescription: d\nworkload: agents\nendpoints: [index]\n"
    path.write_text(f"{about}trials: 1\nload: {{{load}}}\n")
    spec = experiments.load(path).load
    assert [(one.connections, one.threads) for one in map(spec.step, (5, 80))] == [(5, 5), (80, 8)]
    path.write_text(path.read_text().replace("ramp: {of: users, steps: [5, 80]}", "x: 1"))
    with pytest.raises(TestbedError, match=r"own.yml:7: load.connections: this key is required"):
        experiments.load(path)


def test_the_log_of_faults_keeps_all_of_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tasks, "LOG", tmp_path / "error.log")
    monkeypatch.setattr(tasks.signal, "signal", lambda *_: None)  # those of pytest stay

    def break_down(what):
        raise ZeroDivisionError(what)

    for what in ("the first", "the second"):
        with pytest.raises(SystemExit):
            tasks.reported(break_down)(what)
    log = (tmp_path / "error.log").read_text()
    assert log.count("Traceback") == 2
    assert log.index("the first") < log.index("the second")
    assert "a fault in the testbed itself" in capsys.readouterr().err
