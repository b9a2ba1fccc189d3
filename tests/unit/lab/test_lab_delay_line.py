"""The delay line's queue: what is held, for how long, and what is dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.lab.delay_line import DelayQueue, End


def test_a_packet_is_due_after_its_delay_and_not_before():
    queue = DelayQueue(0.0225)
    assert queue.wait_s(100.0) is None
    assert queue.put(b"one", 100.0)
    assert queue.wait_s(100.01) == pytest.approx(0.0125)
    assert list(queue.due(100.0224)) == []
    assert list(queue.due(100.0226)) == [b"one"]
    assert queue.wait_s(100.03) is None


def test_a_packet_that_is_late_already_waits_no_more():
    queue = DelayQueue(0.01)
    queue.put(b"one", 0.0)
    assert queue.wait_s(5.0) == 0


def test_a_full_queue_drops_and_has_room_again():
    queue = DelayQueue(1, limit_b=10)
    assert queue.put(b"123456", 0.0)
    assert not queue.put(b"12345", 0.1)
    assert queue.put(b"1234", 0.2)
    assert list(queue.due(1.1)) == [b"123456"]
    assert queue.put(b"12345", 1.1)
    assert list(queue.due(9)) == [b"1234", b"12345"]


@given(st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1)), max_size=50))
def test_all_packets_come_out_once_and_in_order(gaps):
    queue, now, came = DelayQueue(0.5), 0.0, []
    out = []
    for gap, packet in gaps:
        now += gap
        queue.put(packet, now)
        came.append((now, packet))
        taken = list(queue.due(now))
        out += taken
        assert len(out) == sum(at + 0.5 <= now for at, _ in came)
    out += queue.due(now + 0.6)
    assert out == [packet for _, packet in came]


def test_an_end_is_read_as_it_is_written():
    assert End.read("testbed-lab-server/bench0/198.19.0.10") == End(
        "testbed-lab-server", "bench0", "198.19.0.10"
    )
