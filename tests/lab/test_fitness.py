"""Test `fab check` on hosts with problems, `--fix`, and a restore that cannot finish."""

import json
import re
import shlex
from contextlib import contextmanager

import pytest

from tests.lab.campaigns import ROOT
from tests.lab.faults import provoked

THP = "/sys/kernel/mm/transparent_hugepage/enabled"
REUSE = "/proc/sys/net/ipv4/tcp_tw_reuse"
ROW = re.compile(r"^(ok|note|warn|fail|outer)\s+(.*?)(?:\s{2,}(.*))?$")


def rows(output):
    """Return for each host the level of each check and the first line of what was found."""
    found, host = {}, None
    for line in output.splitlines():
        if line.startswith(("server host:", "client host:")):
            host = found.setdefault(line.split()[0], {})
        elif host is not None and (row := ROW.match(line.rstrip())):
            title = next((t for t in TITLES if row[2].startswith(t)), row[2])
            host[title] = (row[1], (row[2][len(title) :] + " " + (row[3] or "")).strip())
    return found


TITLES = [
    "virtualisation", "other load", "CPU governor", "huge pages", "swap", "free disk",
    "clock offset", "free ports", "route", "firewall",
]  # fmt: skip


def check(testbed, *options):
    """Return what `fab check` shows, after asserting that its exit code fits its table."""
    done = testbed.fab("check", *options, check=False)
    found = rows(done.stdout)
    levels = {level for host in found.values() for level, _ in host.values()}
    refused = {"fail", "warn"} if "--strict" in options else {"fail"}
    assert done.returncode == (3 if levels & refused else 0), done.stdout + done.stderr
    return found, done.stdout


@contextmanager
def in_place_of(ssh, role, path, content, mode="0644"):
    """Mount another file over one of the host's while the block runs."""
    write = f"printf '%s\\n' {shlex.quote(content)} > /root/in-place"
    ssh(role, f"{write}; chmod {mode} /root/in-place; mount --bind /root/in-place {path}")
    try:
        yield
    finally:
        ssh(role, f"umount {path}; rm /root/in-place")


@contextmanager
def doing(ssh, role, begin, end):
    """Run a command on a host before the block, and its opposite after it."""
    ssh(role, begin)
    try:
        yield
    finally:
        ssh(role, end)


def test_in_the_lab_the_machine_is_the_outer_one(provisioned):
    found, text = check(provisioned)
    assert set(found) == {"server", "client"}
    for host in found.values():
        assert host["virtualisation"][0] == "outer"
        assert host["route"][0] == "ok"
        assert host["firewall"][0] == "note"
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())
    assert "\x1b" not in text


def test_strict_and_quiet(provisioned):
    check(provisioned, "--strict")
    _, text = check(provisioned, "--quiet")
    assert "virtualisation" not in text


def test_a_port_that_is_held_is_named(provisioned, ssh):
    serve = "systemd-run --unit=held python3 -m http.server 8080"
    wait = "for i in $(seq 100); do ss -Hltn sport = :8080 | grep -q . && break; sleep 0.1; done"
    with doing(ssh, "server", f"{serve}; {wait}", "systemctl stop held"):
        found, _ = check(provisioned)
    assert found["server"]["free ports"][0] == "fail"
    assert found["client"]["free ports"][0] == "ok"
    said = found["server"]["free ports"][1]
    assert "8080 is held on" in said
    provoked("another program on the app's port", "http.server on port 8080", "refused", said)


def test_a_disk_that_is_almost_full_is_named(provisioned, ssh):
    small = "mount -t tmpfs -o size=30m,uid=$(id -u bench) tmpfs /run/testbed"
    with doing(ssh, "client", small, "umount /run/testbed"):
        found, _ = check(provisioned)
    assert found["client"]["free disk"][0] == "fail"
    provoked(
        "a disk that is almost full", "30 MB for /run/testbed", "refused",
        f"free disk: {found['client']['free disk'][1]}",
    )  # fmt: skip


def test_a_way_that_is_not_the_data_link_is_named(provisioned, ssh, lab):
    peer = lab.client.bench_address
    way = "$(ip -o route show default | head -n 1 | sed 's/^default//') "
    with doing(ssh, "server", f"ip route add {peer}/32 {way}", f"ip route del {peer}/32"):
        found, _ = check(provisioned)
    assert found["server"]["route"][0] == "fail"
    provoked(
        "the way to the other host is not the data link", "a route by the management link",
        "refused", f"route: {found['server']['route'][1]}",
    )  # fmt: skip


def test_who_else_uses_the_cpus_is_named(provisioned, ssh):
    hog = "systemd-run --unit=hog timeout 120 sh -c 'while :; do :; done & while :; do :; done'"
    with doing(ssh, "client", hog, "systemctl stop hog"):
        found, _ = check(provisioned)
    assert found["client"]["other load"][0] in ("warn", "fail")
    assert "sh " in found["client"]["other load"][1]


def test_what_is_the_outer_machines_is_shown_nevertheless(provisioned, ssh):
    swaps = "Filename Type Size Used Priority\n/dev/sdz9 partition 1000000 20000 -2"
    late = '#!/bin/sh\nexec python3 -c "import time; print(time.time() + 5)"'
    with (
        in_place_of(ssh, "server", THP, "[always] madvise never"),
        in_place_of(ssh, "client", "/proc/swaps", swaps),
    ):
        found, _ = check(provisioned)
    assert found["server"]["huge pages"][0] == "outer"
    assert found["server"]["huge pages"][1].startswith("always")
    assert found["client"]["swap"][0] == "outer"
    assert found["client"]["swap"][1].startswith("/dev/sdz9")
    with in_place_of(ssh, "client", "/usr/bin/date", late, mode="0755"):
        found, _ = check(provisioned)
    assert found["client"]["clock offset"][0] == "outer"


@pytest.fixture
def allowing(provisioned, tmp_path):
    """The lab's inventory, with permission to set huge pages and to turn swap off."""
    (tmp_path / "hosts.py").symlink_to(ROOT / "inventory/lab/hosts.py")
    (tmp_path / "group_vars").mkdir()
    for file in (ROOT / "inventory/lab/group_vars").iterdir():
        (tmp_path / "group_vars" / file.name).write_text(file.read_text())
    (tmp_path / "group_vars/server.yml").write_text("host_fitness_allow: [thp, swap]\n")
    return str(tmp_path)


def test_fix_changes_what_is_allowed_and_restore_puts_it_back(tuned, ssh, allowing):
    with in_place_of(ssh, "server", THP, "[always] madvise never"):
        found, text = check(tuned, "--fix", f"--inventory={allowing}")
        assert "host_fitness_allow is empty" in text  # on the client
        assert found["server"]["huge pages"] == ("ok", "madvise")
        record = json.loads(ssh("server", "cat /etc/testbed/fitness-before.json"))
        assert record["transparent_hugepage.enabled"]["value"] == "always"
        done = restore(tuned)
        assert done.returncode == 0
        assert "transparent_hugepage.enabled = always" in done.stdout
        assert ssh("server", f"cat {THP}") == "always"
        assert ssh("server", "ls /etc/testbed/ | grep fitness || true") == ""


def server_of(testbed):
    return f"{testbed.lab}-server"


def tune_again(testbed):
    """Tune the server as site.yml does, so that the following tests find it tuned."""
    role = ["--module-name=include_role", "--args=name=kernel_tuning"]
    testbed.run("ansible", "server", "--playbook-dir=playbooks", "--become", *role)


@pytest.fixture
def tuned(provisioned):
    """The lab, whose server is tuned again afterwards, whatever the test did to it."""
    yield provisioned
    tune_again(provisioned)


def restore(testbed, playbook="restore"):
    limit = f"--limit={server_of(testbed)}"
    return testbed.run("ansible-playbook", f"playbooks/{playbook}.yml", limit, check=False)


def test_a_setting_that_cannot_be_put_back_is_named_and_stays_recorded(tuned, ssh):
    file = "/etc/testbed/tuning-before.json"
    before = json.loads(ssh("server", f"cat {file}"))
    found = before["net.ipv4.tcp_tw_reuse"]["value"]
    backlog = before["net.core.somaxconn"]["value"]
    lock = f"mount --bind {REUSE} {REUSE}; mount -o remount,ro,bind {REUSE}"
    with doing(ssh, "server", lock, f"umount {REUSE}"):
        for playbook in ("restore", "restore", "teardown"):
            done = restore(tuned, playbook)
            assert done.returncode != 0
            assert f"net.ipv4.tcp_tw_reuse: is 1, wanted {found}, as found" in done.stdout
            assert "Read-only file system" in done.stdout
            assert set(json.loads(ssh("server", f"cat {file}"))) == {"net.ipv4.tcp_tw_reuse"}
        assert ssh("server", "cat /proc/sys/net/core/somaxconn") == backlog
        refused = tuned.fab("run-round2", "--trials=1", check=False)
        assert refused.returncode == 3  # a host that is only half restored must not be measured
    said = next(line for line in done.stdout.splitlines() if "Not put back" in line)
    how = "a read-only mount over tcp_tw_reuse"
    provoked("a setting that cannot be put back", how, "refused", said)
    assert restore(tuned).returncode == 0
    assert ssh("server", f"cat {REUSE}") == found
    again = restore(tuned)
    assert again.returncode == 0
    assert "changed=0" in again.stdout


def test_what_somebody_else_has_set_since_is_left_and_told(tuned, ssh):
    record = json.loads(ssh("server", "cat /etc/testbed/tuning-before.json"))
    found = record["net.ipv4.tcp_tw_reuse"]["value"]
    with doing(ssh, "server", f"echo 0 > {REUSE}", f"echo {found} > {REUSE}"):
        done = restore(tuned)
        assert done.returncode == 0
        assert "somebody else has changed it since" in " ".join((done.stdout + done.stderr).split())
        assert ssh("server", f"cat {REUSE}") == "0"


def test_a_damaged_record_is_one_sentence(tuned, ssh):
    file = "/etc/testbed/tuning-before.json"
    cut = f"cp {file} /root/kept && head -c 40 /root/kept > {file}"
    with doing(ssh, "server", cut, f"cp /root/kept {file}; rm /root/kept"):
        done = restore(tuned)
        assert done.returncode != 0
        said = " ".join(done.stdout.split())
        assert f"{file} is damaged" in said
        assert "Traceback" not in said
        assert ssh("server", f"wc -c < {file}") == "40"
    provoked(
        "a record of tuning that is cut off", "tuning-before.json of 40 bytes", "refused",
        said[said.index(file) :].partition(" Origin: ")[0],
    )  # fmt: skip
