"""A generator that does not end by itself is stopped, and the app is asked whose fault that is."""

from types import SimpleNamespace

import pytest

from testbed.errors import Interrupted, RunFailed
from testbed.model.load import Load
from testbed.run import generating, run, steps
from testbed.tools.table import GENERATORS

LOAD = {
    "mode": "saturation",
    "generator": "h2load",
    "connections": 4,
    "threads": 1,
    "duration_s": 10,
    "warmup_s": 0,
    "timeout_s": 5,
    "keepalive": True,
    "from_host": "client",
}


class Endless:
    """A command that never ends; each look at it takes a second of a clock of its own."""

    def __init__(self):
        self.now, self.stopped = 0.0, False

    def wait(self, timeout_s):
        self.now += 1

    def stop(self):
        self.stopped = True


@pytest.fixture
def endless(monkeypatch):
    process = Endless()
    monkeypatch.setattr(generating.time, "monotonic", lambda: process.now)
    return process


@pytest.fixture
def session(endless):
    return SimpleNamespace(
        remotes={"client": SimpleNamespace(start=lambda line: endless)},
        server=SimpleNamespace(check_alive=lambda every_s: None),
        progress=SimpleNamespace(tick=lambda elapsed_s: None),
        inventory=SimpleNamespace(facts=SimpleNamespace(testbed_prefix="/opt/testbed")),
    )


def runner(session, ready):
    """A run whose app does what `ready` does when it is asked."""
    one = object.__new__(steps.Steps)
    one.session, one.load, one.remote_folder = session, Load(**LOAD), "/run/x"
    one._wait_ready = ready
    return one


def test_what_does_not_end_is_stopped_and_told_with_the_known_reason(endless, session):
    with pytest.raises(Interrupted) as told:
        generating.generate(session, Load(**LOAD), ["h2load"], "/run/x/generator.txt", 10)
    assert endless.stopped
    assert endless.now == pytest.approx(10 + 5 + generating.LOAD_GRACE_S, abs=2)
    assert "did not end within 45 s, and was stopped" in told.value.message
    assert told.value.remedy == GENERATORS["h2load"].why_it_hangs


def test_an_app_that_hangs_as_well_has_failed_the_run(session):
    def silent():
        raise RunFailed("no answer")

    with pytest.raises(RunFailed) as failed:
        runner(session, silent)._generate(["h2load"], "generator.txt", 10)
    assert run._first(failed.value) is failed.value


def test_a_generator_that_hangs_alone_says_nothing_of_the_app(session):
    with pytest.raises(Interrupted) as hung:
        runner(session, lambda: None)._generate(["h2load"], "generator.txt", 10)
    failure, end = run._ended_by(run._first(hung.value), "load")
    assert failure.interrupted
    assert end is None
