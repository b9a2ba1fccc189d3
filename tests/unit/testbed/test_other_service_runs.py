"""The other service of a run: it starts, is reached, is noticed to have ended, and is stopped."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from testbed.errors import Interrupted, TestbedError
from testbed.hosts.linkproof import LinkUnfit
from testbed.hosts.remote import Result
from testbed.model.upstream import Upstream
from testbed.run.upstream import OtherService
from testbed.validity import upstream as judged
from tests.unit.apps.cluster import free_port

ROOT = Path(__file__).resolve().parents[3]


class Here:
    """A command in the background, as hosts.process.Process is one on a host."""

    def __init__(self, command):
        self.popen = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines = []
        self.reading = threading.Thread(target=self.read)
        self.reading.start()

    def read(self):
        self.lines.extend(iter(self.popen.stdout.readline, ""))

    @property
    def output(self):
        return "".join(self.lines)

    def poll(self):
        return self.popen.poll()

    def wait(self, timeout_s):
        try:
            code = self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self.reading.join()
        return code

    def stop(self):
        self.popen.send_signal(signal.SIGINT)
        self.wait(60)
        self.popen.stdout.close()


@pytest.fixture
def hosts(tmp_path):
    """Both hosts, which are this machine; `closed` is why the server does not reach the client."""
    program = tmp_path / "bin" / "upstream"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nexport PYTHONPATH={ROOT}\nexec {sys.executable} -m upstream "$@"\n'
    )
    program.chmod(0o755)
    facts = SimpleNamespace(testbed_prefix=str(tmp_path), testbed_upstream_port=free_port())
    world = SimpleNamespace(closed=None, started=[])

    def start(command):
        world.started.append(Here(command))
        return world.started[-1]

    def run(command, **_):
        return Result(0, json.dumps({"problem": world.closed}), "")

    def one(role):
        host = SimpleNamespace(role=role, bench_address="127.0.0.1", bench_interface="lo")
        return SimpleNamespace(host=host, facts=facts, start=start, run=run)

    world.remotes = {role: one(role) for role in ("server", "client")}
    world.port = facts.testbed_upstream_port
    yield world
    for process in world.started:
        process.popen.kill()
        process.popen.wait()


def asked(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/value?id=3")
    try:
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def other(hosts, tmp_path, **told):
    return OtherService(hosts.remotes, Upstream(**told), 7, str(tmp_path))


def test_it_serves_until_it_is_stopped_and_leaves_its_rows(hosts, tmp_path):
    service = other(hosts, tmp_path, latency_ms=5, distribution="lognormal", sigma=0.5)
    assert service.record.address == f"127.0.0.1:{hosts.port}"
    service.start()
    service.check()
    assert asked(hosts.port) == {"id": 3, "value": "value of 3"}
    service.stop()
    service.stop()
    service.check()  # nobody wants it any more
    assert sum(row.answers for row in judged.read(tmp_path / judged.ROWS_FILE)) == 1


def test_a_closed_port_is_told(hosts, tmp_path):
    hosts.closed = "no answer within 3 s"
    service = other(hosts, tmp_path)
    with pytest.raises(LinkUnfit, match=r"testbed_upstream_port\) is closed from server"):
        service.start()
    service.stop()


def test_a_port_that_another_one_holds_is_told(hosts, tmp_path):
    first, second = other(hosts, tmp_path), other(hosts, tmp_path)
    first.start()
    with pytest.raises(TestbedError, match=r"does not start: .*address already in use") as error:
        second.start()
    assert f"hold TCP port {hosts.port}" in str(error.value)
    first.stop()


def test_its_end_during_a_run_is_no_fault_of_the_app(hosts, tmp_path):
    service = other(hosts, tmp_path)
    service.start()
    os.kill(hosts.started[0].popen.pid, signal.SIGKILL)
    hosts.started[0].wait(60)
    with pytest.raises(Interrupted, match="ended during the run"):
        service.check()
