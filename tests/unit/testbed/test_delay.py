"""The data link's delay: what the hosts are told, and what is made of their answers."""

import pytest

from testbed.errors import TestbedError
from testbed.hosts import delay, hosts
from testbed.hosts.failures import CommandFailed, HostUnreachable
from testbed.hosts.remote import Result
from testbed.model.link import RoundTrip

UNIT = "testbed-delay@22500.service"
UNKNOWN = "Error: Specified qdisc kind is unknown.\nFailed to start"
CHOSEN = "Error: Exclusivity flag on, cannot modify.\nFailed to start"
PING = "10 packets transmitted, 10 received\nrtt min/avg/max/mdev = {0}/{0}/{0}/0.1 ms\n"


class Host:
    """A host that answers by a script; `delayed` is whether its unit is active."""

    class facts:  # noqa: N801 - an attribute of Remote
        testbed_lab = None

    class host:  # noqa: N801
        bench_address = "198.18.0.1"
        bench_interface = "enp3s0"

    def __init__(self, role, round_trip_ms=45.0, journal=None, lost_at=None):
        self.host = type("host", (Host.host,), {"role": role})
        self.delayed = False
        self.told = []
        self._ms, self._journal, self._lost_at = round_trip_ms, journal, lost_at

    def run(self, command, *, timeout_s=60, check=True):
        line = command if isinstance(command, str) else " ".join(command)
        self.told.append(line)
        if self._lost_at and self._lost_at in line:
            raise HostUnreachable(self.host_with_address(), "gone")
        code, text = self._answer(line)
        if check and code:
            raise CommandFailed(self.host, line, code, text)
        return Result(code, text, "")

    def host_with_address(self):
        return type("host", (), {"role": self.host.role, "ansible_host": "192.0.2.1"})

    def _answer(self, line):
        if line.startswith("ping"):
            return 0, PING.format(self._ms)
        if line.startswith("sudo -n journalctl"):
            return 0, self._journal
        if "is-active" in line:
            return (self.delayed if line.startswith("!") else not self.delayed), ""
        if line.startswith("sudo -n systemctl start") and self._journal:
            return 1, "Job failed"
        if line.startswith("sudo"):
            self.delayed = " start " in line
        return 0, ""


class Silent:
    """Progress that nobody looks at."""

    def stage(self, name, seconds):
        return delay.ExitStack()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(hosts, "JOURNAL_TIMEOUT_S", 0)


def enter(server, client, asked_ms=45):
    return delay.applied(asked_ms, {"server": server, "client": client}, Silent())


def test_without_a_delay_no_host_is_told_anything():
    server, client = Host("server"), Host("client")
    with enter(server, client, 0) as delayed:
        assert delayed is None
    assert not server.told + client.told


def test_half_of_it_on_each_host_and_undone():
    server, client = Host("server"), Host("client")
    with enter(server, client) as delayed:
        assert server.told[0] == client.told[0] == f"sudo -n systemctl start {UNIT}"
        assert (delayed.record.asked_ms, delayed.record.by) == (45, "netem")
        assert delayed.record.round_trip_ms.mean == 45
        assert delayed.is_there()
        client.delayed = False
        assert not delayed.is_there()
    assert not server.delayed
    assert not client.delayed


def test_it_is_undone_when_a_campaign_fails():
    server, client = Host("server"), Host("client")
    with pytest.raises(KeyboardInterrupt), enter(server, client):
        raise KeyboardInterrupt
    assert not server.delayed
    assert not client.delayed


def test_a_lost_host_does_not_keep_the_other_ones_delay():
    server, client = Host("server"), Host("client", lost_at=" stop ")
    with enter(server, client):
        pass
    assert not server.delayed


def test_a_delay_that_cannot_be_ended_is_said():
    server, client = Host("server"), Host("client")
    with pytest.raises(CommandFailed, match="is-active"), enter(server, client):
        server._answer = lambda line: (1, "")
    assert not client.delayed


def test_another_round_trip_than_asked_is_refused_and_undone():
    server, client = Host("server"), Host("client", round_trip_ms=22.6)
    with (
        pytest.raises(TestbedError, match="45 ms .* but ping measures 22.6 ms"),
        enter(server, client),
    ):
        raise AssertionError
    assert not server.delayed
    assert not client.delayed


def test_a_kernel_without_netem_is_named(quick):
    server, client = Host("server"), Host("client", journal=UNKNOWN)
    with (
        pytest.raises(TestbedError, match="client host: its kernel has no netem"),
        enter(server, client),
    ):
        raise AssertionError
    assert not server.delayed


def test_a_queue_that_somebody_chose_is_left_alone(quick):
    with (
        pytest.raises(TestbedError, match="enp3s0 has a queueing discipline"),
        enter(Host("server", journal=CHOSEN), Host("client")),
    ):
        raise AssertionError


def test_hosts_without_the_unit_are_told_the_remedy(quick):
    with (
        pytest.raises(TestbedError, match="ansible-playbook"),
        enter(Host("server", journal="-- No entries --"), Host("client")),
    ):
        raise AssertionError


@pytest.mark.parametrize(
    ("asked", "mean", "fits"),
    [
        *[(45, 49.5, True), (45, 49.6, False), (45, 40.5, True), (45, 40.4, False)],
        *[(5, 7, True), (5, 7.1, False), (5, 3, True), (5, 2.9, False), (0.2, 0.3, True)],
    ],
)
def test_how_far_it_may_be_off(asked, mean, fits):
    trip = RoundTrip(min=mean, mean=mean, max=mean, samples=10)
    assert (delay.problem_of(asked, trip) is None) == fits
