"""Test that apps only run while the hosts are reserved, however the campaign ended."""

import contextlib
import os
import shlex
import signal
import subprocess

import pytest

from tests.lab.campaigns import FEW_WORKERS, short, wait_for_load, wait_until
from tests.lab.faults import provoked

APP = "testbed-agents-flask.service"
# A minute is promised, on a machine that is not slowed; the load itself would last five
PATIENCE_S = 200
LOCK = "/run/testbed/in-use"


def active(ssh):
    """Return the testbed's units that run on the server, or are about to start or end."""
    states = "active,activating,deactivating"
    listing = f"systemctl list-units --no-legend --plain 'testbed-*' --state={states}"
    return [line.split()[0] for line in ssh("server", listing).splitlines()]


def of_bench(ssh, role):
    """Return what runs as the user who measures, without sshd's own processes."""
    return ssh(role, "pgrep -u bench -a | grep -vE 'sshd|systemd|sd-pam' || true")


def cut_off(lab, role):
    """Drop all further packets of the control side to a host; return a function to undo this."""
    host = lab.server if role == "server" else lab.client
    ss = ["ss", "-Htn", "state", "established", "dst", host.address]
    found = subprocess.run(ss, capture_output=True, text=True, check=True).stdout.splitlines()
    ports = ", ".join(line.split()[2].rpartition(":")[2] for line in found)
    nft = ["ip", "netns", "exec", host.machine, "nft"]
    rules = f"""
        add table inet cut
        add chain inet cut input {{ type filter hook input priority 0; }}
        add rule inet cut input tcp dport 22 tcp sport {{ {ports} }} drop
    """
    subprocess.run([*nft, "-f", "-"], input=rules, text=True, check=True)
    return lambda: subprocess.run([*nft, "delete", "table", "inet", "cut"], check=True)


@pytest.fixture
def loading(verified, ssh):
    """A campaign in the middle of a long load; it is ended by force afterwards."""
    options = short(apps="flask", endpoints="index", rate=20, duration=300)
    process = verified.start_fab(*FEW_WORKERS, *options)
    wait_for_load(ssh)
    assert set(active(ssh)) == {APP, "testbed-lease.service"}
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def ends(ssh):
    """Return the log of the app's unit, once all that the campaign started has ended."""
    wait_until(lambda: not active(ssh), "the app ends by itself", PATIENCE_S, every_s=1)
    for role in ("server", "client"):
        wait_until(
            lambda role=role: not of_bench(ssh, role), "all else has ended", PATIENCE_S, every_s=1
        )
    assert "app-agents-flask" not in ssh("server", "ps -eo user:32")
    assert not ssh("server", "ls /run/testbed-settings 2>/dev/null || true")
    return ssh("server", f"journalctl -u {APP} -n 3 -o cat --no-pager").replace("\n", "; ")


def test_all_ends_after_the_control_side_is_killed(loading, ssh):
    os.killpg(loading.pid, signal.SIGKILL)
    said = ends(ssh)
    provoked("the control side is killed", "SIGKILL to fab during a load", "ended by itself", said)


def test_all_ends_after_the_control_side_stops_answering(loading, ssh):
    os.killpg(loading.pid, signal.SIGSTOP)
    said = ends(ssh)
    provoked("the control side hangs", "SIGSTOP to fab during a load", "ended by itself", said)


def test_all_ends_after_the_management_link_is_cut(loading, ssh, lab):
    with contextlib.ExitStack() as undo:
        for role in ("server", "client"):
            undo.callback(cut_off(lab, role))
        said = ends(ssh)
    how = "nft drops fab's SSH packets during a load"
    provoked("the management link is cut", how, "ended by itself", said)


def test_all_ends_though_the_lock_was_tampered_with(loading, ssh, verified):
    ssh("server", f"rm {LOCK}; ln -s /etc/shadow {LOCK}; chown -h bench: {LOCK}")
    try:
        os.killpg(loading.pid, signal.SIGKILL)
        said = ends(ssh)
        how = f"{LOCK} replaced by a link, then SIGKILL to fab"
        provoked("the control side is killed, its lock gone", how, "ended by itself", said)
        done = verified.fab("link", "--duration=1", check=False)
        assert done.returncode == 3
        assert "server host: cannot be reserved: flock: cannot open" in done.stderr
    finally:
        ssh("server", f"rm -f {LOCK}")


def as_bench(ssh, line):
    return ssh("server", shlex.join(["runuser", "-u", "bench", "--", "sh", "-c", line]))


START = f"sudo -n /opt/testbed/sbin/start-app /etc/testbed/settings.json {APP} </dev/null"


def test_an_app_that_is_started_without_a_reservation_ends_at_once(provisioned, ssh):
    as_bench(ssh, f"{START} || true")
    wait_until(lambda: not active(ssh), "it has ended")
    assert not ssh("server", "ls /run/testbed-settings 2>/dev/null || true")


def test_an_app_may_be_restarted_by_hand_under_a_reservation(provisioned, ssh):
    """Do as docs/hosts.md says, to look at an app without a campaign."""
    hold = f"flock {LOCK} sh -c {shlex.quote(f'{START} && exec sleep 300')}"
    words = ["systemd-run", "--unit=by-hand", "--uid=bench", "sh", "-c", hold]
    ssh("server", shlex.join(words))
    try:
        wait_until(lambda: APP in active(ssh), "it runs")
        ssh("server", f"systemctl restart {APP}")
        assert set(active(ssh)) == {APP, "testbed-lease.service"}
    finally:
        ssh("server", "systemctl stop by-hand")
    wait_until(lambda: not active(ssh), "it has ended with the reservation")


def test_a_delay_of_the_link_ends_with_the_reservation(provisioned, ssh):
    """Use another command in place of tc, so that the kernel need not have netem."""
    folder = "/run/systemd/system/testbed-delay@.service.d"
    words = r"[Service]\nExecStart=\nExecStart=/usr/bin/true\nExecStop=\n"
    ssh(
        "server",
        f"mkdir -p {folder}; printf '{words}' >{folder}/test.conf; systemctl daemon-reload",
    )
    unit = "testbed-delay@22500.service"
    hold = f"flock {LOCK} sh -c 'sudo -n systemctl start {unit} && exec sleep 300'"
    try:
        ssh(
            "server", shlex.join(["systemd-run", "--unit=by-hand", "--uid=bench", "sh", "-c", hold])
        )
        wait_until(lambda: unit in active(ssh), "the delay is on")
        ssh("server", "systemctl stop by-hand")
        wait_until(lambda: not active(ssh), "the delay has ended with the reservation")
    finally:
        ssh("server", f"rm -r {folder}; systemctl daemon-reload; systemctl stop by-hand || true")
