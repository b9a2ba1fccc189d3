"""What happens to the data link in a run, and what is made of it."""

import pytest

from tests.unit.testbed.sound_run import LINK, QUIET, judge_in, linked, rows

STEADY = "the data link did not stay as it was"


@pytest.fixture
def judge(tmp_path):
    """Judges a sound run with some of its evidence changed; (check, verdict, sentence) of each."""
    return judge_in(tmp_path)


def in_between(value, usual):
    """A column that has another value from second 20 to 22."""
    return lambda second: value if 20 <= second < 23 else usual


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"server": rows(link_up=in_between(0, 1))}, "server: {} (it was down in 3 samples)"),
        (
            {"client": rows(link_carrier_changes=lambda t: 2 if t < 30 else 4)},
            "client: {} (its carrier changed 2 times)",
        ),
        ({"link_after": linked(carrier_changes=4)}, "client: {} (its carrier changed 2 times)"),
        (
            {"client": rows(link_has_address=in_between(0, 1))},
            "client: {} (its address was gone in 3 samples)",
        ),
        (
            {"server": rows(link_route=in_between(2, 3))},
            "server: {} (packets would have taken another way in 3 samples)",
        ),
        (
            {"link_after": linked(route_by="eth{0}")},
            "client: {} (packets left by eth1 and later eth{0})",
        ),
        (
            {"server": rows(link_speed_mbit_per_s=lambda t: 1000 if t < 30 else 100)},
            "server: {} (Mbit/s 100 and 1000)",
        ),
        ({"link_after": linked(speed_mbit_per_s=100)}, "client: {} (Mbit/s 100 and 1000)"),
        ({"link_after": linked(full_duplex=False)}, "client: {} (full duplex 0 and 1)"),
        ({"link_after": linked(mtu=9000)}, "client: {} (MTU 1500 and 9000)"),
    ],
)
def test_a_link_that_changes_makes_a_run_invalid(judge, changes, words):
    ((check, verdict, sentence),) = judge(**changes)
    assert (check, verdict) == ("link_steady", "invalid")
    start, _, what = words.partition(" {} ")
    assert sentence.startswith(f"{start} {STEADY}: {what.strip('()')}")


def test_all_that_happened_stands_in_one_sentence(judge):
    down = rows(
        link_up=in_between(0, 1),
        link_route=in_between(0, 3),
        link_carrier_changes=lambda t: 2 if t < 20 else 3 if t < 23 else 4,
    )
    ((_, _, sentence),) = judge(server=down)
    assert "its carrier changed 2 times; it was down in 3 samples; packets would" in sentence


@pytest.mark.parametrize(
    ("columns", "check", "verdict", "words"),
    [
        ({"net_rx_errors": lambda t: t // 30}, "link_errors", "doubtful", "counted 1 errors"),
        (
            {"net_tx_errors": lambda t: t, "net_tx_packets": lambda t: 500 * t},
            "link_errors",
            "invalid",
            "errors in 0.20 % of the frames",
        ),
        ({"net_rx_drops": lambda t: t // 2}, "link_drops", "valid", "dropped 29 packets"),
        ({"net_rx_drops": lambda t: 20 * t}, "link_drops", "doubtful", "dropped 20 packets a sec"),
    ],
)
def test_errors_and_drops(judge, columns, check, verdict, words):
    ((found, judged, sentence),) = judge(server=rows(**columns))
    assert (found, judged) == (check, verdict)
    assert (
        f"server: the data link's {'card' if check == 'link_errors' else 'interface'} " in sentence
    )
    assert words in sentence


def test_a_calibration_does_not_use_the_link(judge):
    down = rows(link_up=0, link_carrier_changes=lambda t: t, net_rx_errors=lambda t: t)
    assert judge(server=down, link=None) == []


def test_runs_of_before_the_link_was_watched_are_judged_without(judge):
    old = [
        {key: value for key, value in row.items() if not key.startswith(("link_", "net_rx"))}
        for row in rows()
    ]
    quiet = QUIET.model_copy(update={"link": None})
    evidence = {"before": {"server": quiet, "client": quiet}, "link_after": {}, "link": LINK}
    assert judge(server=old, client=old, **evidence) == []
