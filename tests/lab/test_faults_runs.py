"""Test that a fault outside of the app interrupts the run, which is kept and can be repeated."""

import contextlib
import json
import shutil
import subprocess

import pytest

from testbed import store
from testbed.errors import Exit
from testbed.model.campaign import Campaign
from tests.lab.campaigns import (
    FEW_WORKERS,
    ONE,
    PATIENCE_S,
    Testbed,
    during_load,
    records,
    short,
    the_run,
    wait_for_load,
    wait_until,
)
from tests.lab.faults import provoked, provoked_in
from tests.lab.test_campaigns import nothing_runs

RUN = "/run/testbed"
FULL = 40  # MB of a small disk on which a run fits until something else fills the disk
UNIT = "testbed-agents-flask.service"


def resumed(testbed, *options):
    """Resume the latest campaign, which must succeed, and return its runs."""
    folder = (testbed.results / "latest").resolve()
    testbed.fab(*FEW_WORKERS, f"--resume={folder}", *options)
    return records(folder)


def is_interrupted(run, code, output):
    """Assert that the run is kept as interrupted, and that the user is told how to go on."""
    assert run["failure"], run["findings"]
    assert run["failure"]["interrupted"], run["failure"]
    assert run["output"] is None
    assert code == Exit.RUN_INTERRUPTED, output
    assert "--resume=" in output
    return True


@contextlib.contextmanager
def small_disk(ssh, role, megabytes):
    """Put a host's folder for runs on a small disk while the block runs."""
    owner = "uid=$(id -u bench),gid=$(id -g bench),mode=750"
    ssh(role, f"mount -t tmpfs -o size={megabytes}m,{owner} small {RUN}")
    try:
        yield
    finally:
        ssh(role, f"umount -l {RUN}")


@contextlib.contextmanager
def small_results(verified, folder, megabytes):
    """Put the testbed's results on a small disk of this machine while the block runs."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "x", folder], check=True)
    try:
        shutil.copytree(verified.results / "link", folder / "link")
        yield Testbed(verified.lab, folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(ssh, role):
    ssh(role, f"dd if=/dev/zero of={RUN}/fill bs=1M || true")


@pytest.mark.parametrize(
    ("role", "fault"),
    [
        ("client", "disk of the client host full in a run"),
        ("server", "disk of the server host full in a run"),
    ],
)
def test_a_host_whose_disk_fills_up_interrupts_the_run(verified, ssh, role, fault):
    with small_disk(ssh, role, FULL):
        run, code, output = during_load(verified, ssh, lambda: fill(ssh, role))
    is_interrupted(run, code, output)
    assert f"{role} host: {RUN}: the disk is full" in run["failure"]["message"]
    assert nothing_runs(ssh)
    provoked_in(fault, f"{RUN} filled", run, "")
    (again,) = resumed(verified)
    assert again["failure"] is None
    assert [one["interrupted"] for one in again["earlier_failures"]] == [True]


@pytest.mark.parametrize(
    ("role", "fault"),
    [("client", "disk of the client host full"), ("server", "disk of the server host full")],
)
def test_a_host_without_room_ends_the_campaign_at_once(verified, ssh, role, fault):
    with small_disk(ssh, role, 8):
        done = verified.fab(*FEW_WORKERS, *short(**(ONE | {"trials": 2})), check=False)
    output = done.stdout + done.stderr
    assert done.returncode == Exit.RUN_INTERRUPTED, output
    assert f"{role} host: {RUN}: the disk is full" in output
    assert "--resume=" in output
    provoked(fault, f"{RUN} on 8 MB", "interrupted", done.stderr)


def test_a_full_disk_of_this_machine_is_named_with_its_path(verified, tmp_path):
    with small_results(verified, tmp_path / "small", 8) as testbed:
        done = testbed.fab(*FEW_WORKERS, *short(**ONE), check=False)
    output = done.stdout + done.stderr
    assert done.returncode == Exit.RUN_INTERRUPTED, output
    assert "this machine: " in output
    assert "/small/" in output
    assert "the disk is full" in output
    provoked("disk of the control side full", "results on 8 MB", "interrupted", done.stderr)


def test_this_machines_disk_that_fills_up_keeps_finished_runs(verified, ssh, tmp_path):
    with small_results(verified, tmp_path / "small", FULL) as testbed:
        process = testbed.start_fab(*FEW_WORKERS, *short(**(ONE | {"trials": 2, "duration": 4})))
        latest = testbed.results / "latest"
        wait_until(lambda: list(latest.glob("001-*/run.json")), "the first run is finished")
        wait_until(lambda: list(latest.glob(".partial-002*")), "the second has begun")
        subprocess.run(["dd", "if=/dev/zero", f"of={testbed.results}/fill", "bs=64k"], check=False)
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == Exit.RUN_INTERRUPTED, output
        assert "this machine: " in output or "cannot write" in output
        assert str(tmp_path / "small") in output or "/small/" in output
        assert "--resume=" in output
        assert nothing_runs(ssh)
        (testbed.results / "fill").unlink()
        said = output[output.index("error:") :]
        provoked("disk of the control side full in a run", "results filled", "interrupted", said)
        first, second = resumed(testbed)
    assert first["failure"] is None
    assert second["failure"] is None


@pytest.mark.parametrize(
    ("role", "fault"),
    [
        ("client", "SSH session of the client host lost"),
        ("server", "SSH session of the server host lost"),
    ],
)
def test_a_lost_session_interrupts_the_run_and_ends_the_campaign(verified, ssh, role, fault):
    kill = "pkill -KILL -u bench sshd"
    run, code, output = during_load(verified, ssh, lambda: ssh(role, kill), trials=1)
    is_interrupted(run, code, output)
    assert f"{role} host at " in run["failure"]["message"]
    provoked_in(fault, kill, run, "")
    (again,) = resumed(verified)
    assert again["failure"] is None
    assert nothing_runs(ssh)


@contextlib.contextmanager
def started_again(ssh, unit, ask):
    """Make sure that a service runs again after the block."""
    try:
        yield
    finally:
        ssh("server", f"systemctl start {unit}")
        wait_until(lambda: ssh("server", f"{ask} || true"), f"{unit} is back")


def postgresql(ssh):
    return started_again(ssh, "postgresql", "sudo -u postgres psql -Atc 'select 1' 2>/dev/null")


@pytest.mark.parametrize(
    ("verb", "fault"),
    [("stop", "PostgreSQL stopped in a run"), ("restart", "PostgreSQL restarted in a run")],
)
def test_a_database_that_is_stopped_or_restarted_interrupts_the_run(verified, ssh, verb, fault):
    action = f"systemctl {verb} 'postgresql@*'"
    with postgresql(ssh):
        run, code, output = during_load(verified, ssh, lambda: ssh("server", action))
    is_interrupted(run, code, output)
    assert "server host: PostgreSQL was " in run["failure"]["message"]
    provoked_in(fault, action, run, "")


def test_a_database_that_does_not_run_ends_the_campaign(verified, ssh):
    """Stop the database in the load of the second run: the third must not begin."""
    process = None
    with postgresql(ssh):
        (verified.results / "latest").unlink(missing_ok=True)
        process = verified.start_fab(*FEW_WORKERS, *short(**(ONE | {"trials": 3, "duration": 4})))
        latest = verified.results / "latest"
        wait_until(lambda: list(latest.glob(".partial-002*")), "the second run has begun")
        wait_for_load(ssh)
        ssh("server", "systemctl stop 'postgresql@*'")
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == Exit.RUN_INTERRUPTED, output
    assert "server host: PostgreSQL does not run" in output
    assert "--resume=" in output
    folder = latest.resolve()
    second, third = records(folder)[1:]
    assert "PostgreSQL was stopped during the run" in second["failure"]["message"]
    assert third["failure"]["stage"] == "look around"
    provoked("PostgreSQL does not run", "stopped before a run", "interrupted", output)
    assert [run["failure"] for run in resumed(verified)] == [None] * 3


def test_a_database_that_is_not_there_is_told_before_anything_is_made(verified, ssh):
    with postgresql(ssh):
        ssh("server", "systemctl stop 'postgresql@*'")
        done = verified.fab(*FEW_WORKERS, *short(**ONE), check=False)
    assert done.returncode == Exit.NOT_READY, done.stdout + done.stderr
    assert "PostgreSQL" in done.stderr
    assert "psql -X" not in done.stderr
    provoked("PostgreSQL stopped before", "stopped before the campaign", "refused", done.stderr)


def test_a_killed_generator_interrupts_the_run(verified, ssh):
    kill = "pkill -KILL -u bench -f pacer"
    run, code, output = during_load(verified, ssh, lambda: ssh("client", kill))
    is_interrupted(run, code, output)
    assert "client host: " in run["failure"]["message"]
    assert "signal" in run["failure"]["message"] or "SIGKILL" in run["failure"]["message"]
    assert "SSH" not in run["failure"]["message"]
    assert nothing_runs(ssh)
    provoked_in("generator killed", kill, run, "")


def test_telemetry_that_dies_interrupts_the_run(verified, ssh):
    kill = "pkill -KILL -u bench -f 'telemetry record'"
    run, code, output = during_load(verified, ssh, lambda: ssh("client", kill))
    is_interrupted(run, code, output)
    assert "client host: a signal ended it" in run["failure"]["message"]
    assert "telemetry, during the run" in run["failure"]["message"]
    provoked_in("telemetry killed", kill, run, "")


@pytest.mark.parametrize(
    ("program", "fault"),
    [("pacer-probe", "pacer-probe removed"), ("telemetry", "telemetry removed")],
)
def test_a_program_that_was_removed_is_named(verified, ssh, program, fault):
    path = f"/opt/testbed/bin/{program}"
    ssh("client", f"mv {path} {path}.away")
    try:
        done = verified.fab(*FEW_WORKERS, *short(**ONE), check=False)
    finally:
        ssh("client", f"mv {path}.away {path}")
    output = done.stdout + done.stderr
    assert done.returncode in {Exit.NOT_READY, Exit.RUN_INTERRUPTED}, output
    assert "a program is not there" in output
    assert "ansible-playbook site.yml" in output
    provoked(fault, f"{path} moved away", "interrupted", done.stderr or done.stdout)


def test_sudo_that_refuses_is_named(verified, ssh):
    path = "/etc/sudoers.d/testbed"
    process = None
    try:
        process = verified.start_fab(*FEW_WORKERS, *short(**(ONE | {"trials": 2, "duration": 3})))
        latest = verified.results / "latest"
        wait_until(lambda: list(latest.glob("001-*/run.json")), "the first run is finished")
        ssh("server", f"mv {path} /root/sudoers-testbed")
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        ssh("server", f"mv /root/sudoers-testbed {path} || true", check=False)
    assert process.returncode == Exit.RUN_INTERRUPTED, output
    assert "sudo refuses" in output
    provoked("sudo refuses", f"{path} moved away", "interrupted", output)


def test_a_resume_repeats_what_the_app_failed_in(verified, ssh):
    update = 'sudo -u postgres psql -q testbed_agents -c "update agentfeatures set number = {}"'
    ssh("server", update.format("number || '!'"))
    try:
        run = the_run(verified, code=Exit.RUN_FAILED)
    finally:
        ssh("server", update.format("rtrim(number, '!')"))
    assert not run["failure"]["interrupted"]
    (again,) = resumed(verified)
    assert again["failure"] is None
    assert again["earlier_failures"] == [run["failure"]]
    folder = (verified.results / "latest").resolve()
    text = verified.run("python", "-m", "analysis", "table", str(folder)).stdout
    assert "Remark: earlier attempt 1 failed at 'check'" in text


def test_what_differs_is_named_when_a_resume_is_refused(verified):
    folder = verified.campaign(*FEW_WORKERS, *short(**ONE))
    file = folder / "campaign.json"
    campaign = store.read(file, Campaign)
    server = campaign.hosts[0]
    packages = {name: f"{version}.1" for name, version in server.packages.items()}
    changed = server.model_copy(update={"kernel": "5.0", "packages": packages})
    store.write(file, campaign.model_copy(update={"hosts": [changed, campaign.hosts[1]]}))
    done = verified.fab(*FEW_WORKERS, f"--resume={folder}", check=False)
    assert done.returncode == Exit.BAD_INPUT
    assert f"server: kernel: 5.0 → {server.kernel}" in done.stderr
    assert "server: package " in done.stderr
    assert " more" in done.stderr
    provoked("host changed before a resume", "another kernel", "refused", done.stderr)


def test_edited_results_are_named_and_do_not_count(verified):
    folder = verified.campaign(*FEW_WORKERS, *short(**ONE))
    (run,) = records(folder)
    raw = folder / run["run_id"] / "raw" / "pacer.json"
    whole = raw.read_bytes()
    raw.write_bytes(whole[: len(whole) // 2])
    said = "raw/pacer.json was cut or edited after the run"
    report = verified.run("python", "-m", "analysis", "table", str(folder))
    assert "invalid" in report.stdout
    assert said in report.stdout
    compared = verified.run("python", "-m", "analysis", "compare", folder, folder, check=False)
    assert compared.returncode == Exit.NOT_VALID
    assert said in compared.stdout
    done = verified.fab(*FEW_WORKERS, f"--resume={folder}", check=False)
    assert done.returncode == Exit.BAD_INPUT
    assert said in done.stderr
    provoked("results edited", "a raw output cut in half", "refused", done.stderr)
    raw.write_bytes(whole)
    document = folder / run["run_id"] / "run.json"
    edited = json.loads(document.read_text()) | {"verdict": "valid", "findings": []}
    edited["output"]["goodput_rps"] *= 2
    document.write_text(json.dumps(edited))
    report = verified.run("python", "-m", "analysis", "table", str(folder))
    assert "run.json was edited after the run" in report.stdout
