"""Whether a host is fit to measure, over hosts of several kinds, and each check at each level."""

import pytest
from pydantic import ValidationError
from rich.console import Console

from testbed import fitness
from testbed.fitness import HostFacts, Subject, shown, table
from testbed.hosts import fit
from testbed.paths import ROOT
from tests.unit.testbed.fitness_hosts import GB, HOSTS, LAB, LAPTOP, SERVER, VM, changed


def rows(facts, other=None, **subject):
    """What the checks say of a host, by their names."""
    expected = {
        "role": "server",
        "address": "198.18.0.1",
        "peer": "198.18.0.2",
        "interface": "enp3s0",
        "open_files_wanted": 1048576,
        "upstream_port": 8081,
        "clock_ahead_s": 0.01,
        "other_clock_ahead_s": 0.012,
    }
    mine, others = HostFacts.model_validate(facts), HostFacts.model_validate(other or facts)
    judged = fitness.judge(Subject(facts=mine, other=others, **(expected | subject)))
    return {row.check: row for row in judged}


def levels(facts, **options):
    return {name: row.level for name, row in rows(facts, **options).items()}


def idle(name, latency_us):
    return {"name": name, "latency_us": latency_us, "disabled": False}


ANY = "::"
NOBODY = {"name": "make", "cpu_percent": 98.0}
# check, level, what differs from the server; the first of a level is also looked at for its words
SEEN = [
    ("virtualisation", "ok", {}),
    ("virtualisation", "warn", {"vm": "kvm"}),
    ("virtualisation", "note", {"container": None}),
    ("kernel", "ok", {}),
    ("kernel", "warn", {"kernel": "5.4.0-200-generic"}),
    ("kernel", "note", {"kernel": "mine"}),
    ("kernel", "note", {"kernel": f"{'6' * 5000}.1"}),
    ("other_load", "ok", {}),
    ("other_load", "warn", {"load__cpu_percent": 3.2, "load__busiest": [NOBODY]}),
    ("other_load", "warn", {"load__cpu_percent": 12.0}),
    ("other_load", "fail", {"load__cpu_percent": 50.0}),
    ("other_load", "note", {"load__cpu_percent": None}),
    ("governor", "ok", {}),
    ("governor", "warn", {"cpu__governors": ["performance", "powersave"]}),
    ("governor", "note", {"cpu__governors": None}),
    ("frequency", "ok", {}),
    ("frequency", "warn", {"cpu__mhz": 2000.0}),
    ("frequency", "note", {"cpu__mhz": None}),
    ("frequency", "note", {"cpu__full_mhz": None}),
    ("turbo", "ok", {}),
    ("turbo", "note", {"cpu__turbo": True}),
    ("smt", "ok", {"cpu__smt_active": 0}),
    ("smt", "note", {}),
    ("smt", "note", {"cpu__smt_active": None}),
    ("idle_states", "ok", {}),
    ("idle_states", "ok", {"cpu__idle_states": []}),
    ("idle_states", "note", {"cpu__idle_states": [idle("C6", 133)]}),
    ("idle_states", "warn", {"cpu__idle_states": [idle("C8", 300)]}),
    ("numa", "ok", {"cpu__numa_nodes": 1}),
    ("numa", "note", {}),
    ("throttling", "ok", {}),
    ("throttling", "warn", {"cpu__thermal_throttles": 2}),
    ("throttling", "warn", {"cpu__quota_throttles": 2, "cpu__thermal_throttles": None}),
    ("throttling", "note", {"cpu__thermal_throttles": None}),
    ("free_memory", "ok", {}),
    ("free_memory", "warn", {"memory__available_bytes": GB // 2}),
    ("free_memory", "fail", {"memory__available_bytes": GB // 5}),
    ("huge_pages", "ok", {}),
    ("huge_pages", "warn", {"memory__huge_pages": "always"}),
    ("huge_pages", "note", {"memory__huge_pages": None}),
    ("swap", "ok", {}),
    ("swap", "note", {"memory__swaps": [{"path": "/s", "size_bytes": GB, "used_bytes": 0}]}),
    ("swap", "note", {"memory__swaps": None}),
    ("swap", "warn", {"memory__swaps": [{"path": "/s", "size_bytes": GB, "used_bytes": 5}]}),
    ("free_disk", "ok", {}),
    ("free_disk", "warn", {"disks__/run/testbed": {"free_bytes": GB // 5, "total_bytes": GB}}),
    ("free_disk", "fail", {"disks__/opt/testbed": {"free_bytes": 0, "total_bytes": GB}}),
    ("free_disk", "fail", {"disks__/opt/testbed": None}),
    ("free_disk", "note", {"disks": {}}),
    ("clock_synchronised", "ok", {}),
    ("clock_synchronised", "warn", {"clock__synchronised": False}),
    ("clock_synchronised", "note", {"clock__synchronised": None}),
    ("open_files", "ok", {}),
    ("open_files", "ok", {"open_files__limit": None}),
    ("open_files", "warn", {"open_files__limit": 1024}),
    ("open_files", "warn", {"open_files__most": 3100}),
    ("open_files", "note", {"open_files": {"limit": None, "used": None, "most": None}}),
    ("free_ports", "ok", {}),
    ("free_ports", "ok", {"listeners": {"mine": []}}),
    ("free_ports", "note", {"listeners": {"8080": ["127.0.0.1", "::1"]}}),
    ("free_ports", "note", {"listeners": {"8080": None}}),
    ("free_ports", "fail", {"listeners": {"8080": ["127.0.0.1", ANY]}}),
    ("route", "ok", {}),
    ("route", "warn", {"route__gateway": "198.18.0.254"}),
    ("route", "fail", {"route__interface": "eth0"}),
    ("route", "fail", {"route__source": "192.0.2.10"}),
    ("route", "fail", {"route": None}),
    ("route", "fail", {"addresses": ["192.0.2.10"]}),
    ("card_state", "ok", {}),
    ("card_state", "fail", {"card__state": "down"}),
    ("card_state", "fail", {"card": None}),
    ("card_state", "note", {"card__state": "unknown"}),
    ("card_driver", "ok", {}),
    ("card_driver", "note", {"card__real": False}),
    ("speed", "ok", {}),
    ("speed", "warn", {"card__speed_mbit_per_s": 100}),
    ("speed", "note", {"card__speed_mbit_per_s": None}),
    ("duplex", "ok", {}),
    ("duplex", "fail", {"card__duplex": "half"}),
    ("duplex", "note", {"card__duplex": "unknown"}),
    ("mtu", "ok", {}),
    ("mtu", "note", {"card__mtu": 1400}),
    ("mtu", "note", {"card__mtu": None}),
    ("offloads", "ok", {}),
    ("offloads", "note", {"card__offloads__tx-checksumming": False}),
    ("offloads", "note", {"card__offloads": None}),
    ("rings", "ok", {}),
    ("rings", "ok", {"card__rings": {"rx": {"now": 256, "most": 256}}}),
    ("rings", "note", {"card__rings": {"rx": {"now": 256, "most": 4096}}}),
    ("interrupts", "ok", {}),
    ("interrupts", "warn", {"card__irqs": {"41": "0", "42": "0"}}),
    ("interrupts", "note", {"card__irqs": None}),
    ("card_errors", "ok", {}),
    ("card_errors", "note", {"card__errors": {"rx_dropped": 4}}),
    ("card_errors", "note", {"card__errors": {"rx_errors": None}}),
    ("card_errors", "warn", {"card__errors": {"rx_errors": 1}}),
    ("firewall", "note", {}),
    ("firewall", "note", {"firewall__services": None}),
    ("firewall", "warn", {"firewall": {"services": [], "tracked": 90, "tracked_most": 100}}),
    ("power", "ok", {}),
    ("power", "ok", {"power": {"battery": True, "mains": True, "profile": "performance"}}),
    ("power", "warn", {"power": {"battery": True, "mains": False, "profile": None}}),
    ("power", "warn", {"power": {"battery": False, "mains": None, "profile": "low-power"}}),
    ("power", "note", {"power": {"battery": None, "mains": None, "profile": None}}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "level", "changes"), SEEN)
def test_each_check_at_each_level(check, level, changes):
    assert rows(changed(SERVER, **changes))[check].level == level


def test_every_check_but_one_between_hosts_is_seen_at_ok_and_at_worse():
    seen = {}
    for check, level, _ in SEEN:
        seen.setdefault(check, set()).add(level)
    assert set(seen) | {"clock_offset"} == {check.__name__ for check in fitness.CHECKS}
    assert {name for name, of in seen.items() if "ok" not in of} == {"firewall"}
    assert all(len(of) > 1 for of in seen.values())


def test_checks_have_words_and_are_listed_in_their_order():
    words = table.checks()
    assert set(words) == {check.__name__ for check in fitness.CHECKS}
    assert all(check.__doc__ for check in fitness.CHECKS)


def test_hosts_are_compared_with_each_other():
    assert levels(SERVER, other_clock_ahead_s=0.2)["clock_offset"] == "warn"
    assert levels(SERVER, clock_ahead_s=None)["clock_offset"] == "note"
    assert levels(SERVER)["clock_offset"] == "ok"
    other = changed(SERVER, kernel="6.12.1", card__mtu=9000, card__speed_mbit_per_s=1000)
    told = levels(SERVER, other=other)
    assert (told["kernel"], told["mtu"], told["speed"]) == ("note", "warn", "note")


@pytest.mark.parametrize("place", HOSTS)
def test_what_is_not_told_is_never_ok(place):
    for row in rows(HOSTS[place]).values():
        assert ("not told" in row.found) <= (row.level in ("note", "outer")), row


def bad(facts, *wanted):
    return {name for name, level in levels(facts).items() if level in wanted}


def test_a_server_is_fit():
    assert bad(SERVER, "warn", "fail", "outer") == set()
    assert bad(SERVER, "note") == {"smt", "numa", "firewall"}


@pytest.mark.parametrize(
    ("role", "listeners", "level"),
    [
        ("client", {"5001": [], "8081": []}, "ok"),
        ("client", {"5001": [], "8081": ["127.0.0.1"]}, "note"),
        ("client", {"5001": [], "8081": [ANY]}, "warn"),  # only some workloads need it
        ("client", {"5001": [ANY], "8081": [ANY]}, "fail"),
        ("client", {"5001": [ANY], "8081": []}, "fail"),
        ("server", {"5001": [], "8081": [ANY]}, "fail"),  # where it is the app's
    ],
)
def test_the_other_services_port_is_the_clients(role, listeners, level):
    row = rows(changed(SERVER, listeners=listeners), role=role)["free_ports"]
    assert row.level == level
    assert "8081" in row.wanted
    assert "testbed_upstream_port" in row.mend


def test_a_laptop_is_not():
    assert bad(LAPTOP, "warn") == {
        "governor", "frequency", "throttling", "idle_states", "huge_pages", "swap", "power"
    }  # fmt: skip
    assert rows(LAPTOP)["governor"].found == "powersave (intel_pstate)"


def test_a_virtual_machine_says_what_it_does_not_know():
    assert bad(VM, "warn") == {"virtualisation"}
    assert {"governor", "frequency", "speed", "duplex", "rings"} <= bad(VM, "note")


def test_in_a_container_the_machine_is_the_outer_one():
    assert bad(LAB, "warn", "fail") == set()
    assert bad(LAB, "note") == {"firewall"}
    assert {"virtualisation", "governor", "clock_synchronised", "open_files"} <= bad(LAB, "outer")
    worse = changed(
        LAB, memory__huge_pages="always", listeners={"8080": [ANY]}, load__cpu_percent=90
    )
    assert levels(worse)["huge_pages"] == "outer"
    assert bad(worse, "fail") == {"free_ports", "other_load"}  # its own, wherever it runs


@pytest.mark.parametrize(
    "changes",
    [
        {"cpu__usable": 0},
        {"cpu__mhz": float("nan")},
        {"load__busiest": [{"name": 3, "cpu_percent": 1}]},
        {"card": "enp3s0"},
        {"more": 1},
        {"listeners": [8080]},
    ],
)
def test_what_a_host_says_is_not_trusted(changes):
    with pytest.raises(ValidationError):
        HostFacts.model_validate(changed(SERVER, **changes))


def test_a_hosts_words_do_not_reach_a_terminal_as_commands():
    busy = [{"name": "\x1b[2Jcat\n" + "x" * 500, "cpu_percent": 99.0}]
    found = rows(changed(SERVER, load__busiest=busy))["other_load"].found
    assert found.isprintable()
    assert len(found) <= 200


def both(**hosts):
    return {role: list(rows(facts).values()) for role, facts in hosts.items()}


def test_exit_codes():
    assert fit.exit_code(both(server=SERVER), strict=True) == 0
    assert fit.exit_code(both(server=SERVER, client=LAPTOP), strict=False) == 0
    assert fit.exit_code(both(server=SERVER, client=LAPTOP), strict=True) == 3
    assert fit.exit_code(both(server=changed(SERVER, card=None)), strict=False) == 3
    assert fit.exit_code(both(server=LAB, client=LAB), strict=True) == 0


def test_news_are_of_what_warns_or_fails():
    assert fit.news(both(server=SERVER, client=LAB)) == []
    lines = fit.news(both(client=LAPTOP))
    assert "client: warn: huge pages: always (wanted: madvise or never)" in lines
    assert len(lines) == 7


def text(found, width=80, **options):
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(shown.table(found, **options))
    return captured.get()


def test_the_table_fits_a_terminal_and_loses_nothing():
    found = both(server=SERVER, client=LAPTOP)
    page = text(found)
    assert all(len(line.rstrip()) <= 80 for line in page.splitlines())
    for row in [row for rows_ in found.values() for row in rows_]:
        assert row.title in page
    assert "client host: 7 warn" in page
    assert "in the middle of a run (client)" in " ".join(page.split())


def test_quiet_shows_only_what_warns_or_fails():
    page = text(both(server=SERVER, client=LAPTOP), quiet=True)
    assert "firewall" not in page
    assert "huge pages" in page
    assert text(both(server=SERVER), quiet=True).strip().count("\n") == 0


def test_the_page_has_every_check():
    text = (ROOT / "docs" / "fitness.md").read_text()
    assert all(check.title in text for check in table.checks().values())
