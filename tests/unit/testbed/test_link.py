from datetime import UTC, datetime, timedelta

import pytest

from testbed import store
from testbed.errors import TestbedError
from testbed.hosts import link
from testbed.hosts.linkproof import LinkUnfit
from testbed.model.link import LinkDirection, LinkRecord, Nic, RoundTrip
from testbed.model.tool_output import Flow, ToolOutput

PING = """\
PING 198.19.0.10 (198.19.0.10) 56(84) bytes of data.

--- 198.19.0.10 ping statistics ---
20 packets transmitted, 19 received, 5% packet loss, time 3981ms
rtt min/avg/max/mdev = 0.035/0.063/0.378/0.072 ms
"""
WAYS = [
    LinkDirection(source="client", target="server", mbit_per_s=941),
    LinkDirection(source="server", target="client", mbit_per_s=939),
]
FULL = Nic(interface="eth1", speed_mbit_per_s=1000, full_duplex=True, mtu=1500)


def test_the_round_trip_is_read_from_ping():
    trip = link.round_trip_of(PING)
    assert (trip.min, trip.mean, trip.max, trip.samples) == (0.035, 0.063, 0.378, 19)


def test_a_ping_without_an_answer_is_an_error():
    with pytest.raises(TestbedError, match="got no answer"):
        link.round_trip_of("20 packets transmitted, 0 received, 100% packet loss, time 19455ms\n")


def flow(direction):
    return Flow(stream="1", direction=direction, duration_s=10, mbit_per_s=940)


def test_both_directions_are_needed():
    both = ToolOutput(tool="iperf", flows=[flow("sent"), flow("received")])
    assert [way.source for way in link.directions_of(both, "", "")] == ["client", "server"]
    with pytest.raises(LinkUnfit, match="did not measure both directions"):
        link.directions_of(ToolOutput(tool="iperf", flows=[flow("sent")]), "", "")


def test_what_iperf_says_of_its_failure_is_shown():
    said = "-----\nconnect failed: Connection refused\nconnect failed: Connection refused\n"
    with pytest.raises(LinkUnfit) as caught:
        link.directions_of(ToolOutput(tool="iperf"), said, "bind failed: Address in use\n")
    assert "client: 'connect failed: Connection refused'; server: 'bind failed" in str(caught.value)


def test_two_hosts_are_two_machines():
    one, rebooted = {"machine_id": "a", "boot_id": "1"}, {"machine_id": "a", "boot_id": "2"}
    assert link.same_machine({"server": one, "client": rebooted}) == []
    (problem,) = link.same_machine({"server": one, "client": one})
    assert "one and the same machine" in problem.sentence


def test_what_is_wrong_with_a_link_is_said():
    assert link.problems_of(WAYS, {"server": FULL, "client": FULL}, 900) == []
    half = FULL.model_copy(update={"full_duplex": False})
    slow = [WAYS[0], WAYS[1].model_copy(update={"mbit_per_s": 94.2})]
    assert link.problems_of(slow, {"server": half, "client": FULL}, 900) == [
        "server to client: 94 Mbit/s, below the floor of 900",
        "server: eth1 is not full duplex",
    ]


class Server:
    """The one fact of a host that is looked at."""

    class facts:  # noqa: N801 - an attribute of Remote
        testbed_link_max_age_h = 24


def keep_link(folder, name, **changes):
    record = LinkRecord(
        schema_version=1,
        measured_at=datetime.now(UTC),
        hosts={"server": "s", "client": "c"},
        directions=WAYS,
        round_trip_ms=RoundTrip(min=1, mean=1, max=1, samples=1),
        nics={},
        floor_mbit_per_s=900,
        ok=True,
    ).model_copy(update=changes)
    file = folder / name / "link.json"
    store.write(file, record)
    return store.read(file, LinkRecord)


def verified(folder, **hosts):
    return link.verified({"server": Server}, {"server": "s", "client": "c"} | hosts, folder)


def test_the_newest_verification_of_the_same_hosts_counts(tmp_path):
    keep_link(tmp_path, "1")
    newest = keep_link(tmp_path, "2", floor_mbit_per_s=901)
    keep_link(tmp_path, "3", hosts={"server": "other", "client": "c"})
    assert verified(tmp_path) == newest


@pytest.mark.parametrize(
    ("changes", "hosts", "message"),
    [
        ({}, {"server": "s since another boot"}, "has not been verified since their last boot"),
        ({"measured_at": datetime.now(UTC) - timedelta(hours=25)}, {}, "more than 24 h ago"),
        ({"ok": False, "problems": ["it is slow"]}, {}, "not fit to measure over: it is slow"),
    ],
)
def test_a_verification_that_proves_nothing_is_refused(tmp_path, changes, hosts, message):
    keep_link(tmp_path, "1", **changes)
    with pytest.raises(TestbedError, match=message):
        verified(tmp_path, **hosts)


def test_a_verification_that_was_edited_is_refused(tmp_path):
    keep_link(tmp_path, "1", ok=False, problems=["it is slow"])
    file = tmp_path / "1" / "link.json"
    file.write_text(file.read_text().replace('"ok": false', '"ok": true'))
    with pytest.raises(TestbedError, match=r"1/link\.json was edited after it was written"):
        verified(tmp_path)


def test_a_verification_of_before_there_were_digests_counts(tmp_path):
    file = tmp_path / "1" / "link.json"
    record = keep_link(tmp_path, "1").model_copy(update={"digest": None})
    file.write_text(record.model_dump_json(exclude={"digest"}))
    assert verified(tmp_path) == record


def test_a_later_failure_outweighs_an_earlier_success(tmp_path):
    keep_link(tmp_path, "1")
    keep_link(tmp_path, "2", ok=False, problems=["it got slow"])
    with pytest.raises(TestbedError, match="it got slow"):
        verified(tmp_path)
