"""Test what the user who measures may do on the hosts, as that user."""

import contextlib
import shlex

import pytest

from tests.lab.campaigns import FEW_WORKERS, PATIENCE_S, short, wait_until
from tests.lab.faults import provoked

APP = "testbed-agents-flask.service"
START = f"sudo -n /opt/testbed/sbin/start-app /etc/testbed/settings.json {APP}"


@pytest.fixture
def bench(provisioned, ssh):
    """A function that runs a shell line as the user who measures; returns what it printed."""

    def run(line, role="server"):
        words = ["runuser", "-u", "bench", "--", "env", "-C", "/home/bench", "sh", "-c"]
        words.append(f"exec 2>&1; {line}")
        return ssh(role, shlex.join(words), check=False)

    return run


def test_bench_belongs_to_no_group_but_its_own(bench):
    for role in ("server", "client"):
        assert bench("id -nG", role) == "bench"


def test_bench_sees_no_journal_but_the_apps(bench, ssh):
    ssh("server", "logger -t elsewhere a word for root alone; journalctl --sync")
    assert "a word for root" not in bench("journalctl -n 1000 --no-pager")
    assert "a word for root" not in bench("journalctl -u ssh -n 1000 --no-pager")
    said = bench(f"sudo -n journalctl -u {APP} -n 12 -o json --all --no-pager; echo code $?")
    assert said.endswith("code 0"), said


@pytest.mark.parametrize(
    "command",
    [
        "systemctl stop ssh.service",
        f"systemctl start {APP}",  # without checked settings
        f"systemctl stop {APP} ssh.service",
        f"systemctl stop {APP} --root=/home/bench",
        f"systemctl edit {APP}",
        "systemctl stop testbed-*",
        "systemctl daemon-reload",
        "systemctl start testbed-lease.service",
        "systemctl start testbed-delay@1x.service",
        "systemctl start testbed-delay@1.service ssh.service",
        "journalctl -u ssh.service -n 12 -o json --all --no-pager",
        f"journalctl -u {APP}",
        f"journalctl -u {APP} -n 12 -o json --all",  # this would open a pager
        f"journalctl -u {APP} -n 12 -o json --all --no-pager --file=/home/bench/x",
        f"/opt/testbed/sbin/start-app /home/bench/settings.json {APP}",
        "/opt/testbed/sbin/start-app /etc/testbed/settings.json ssh.service",
        f"/opt/testbed/sbin/start-app /etc/testbed/settings.json {APP} x",
        "/opt/testbed/sbin/start-app",
        "-u postgres psql",
        "-e /etc/passwd",
        "sh",
    ],
)
def test_sudo_takes_no_other_command(bench, command):
    said = bench(f"sudo -n {command} </dev/null; echo code $?")
    assert said.endswith("code 1"), said
    assert "a password is required" in said


def test_sudo_takes_nothing_of_the_callers_environment(bench):
    said = bench(f"sudo -n PYTHONPATH=/home/bench {START.removeprefix('sudo -n ')} </dev/null")
    assert "not allowed to set the following environment variables: PYTHONPATH" in said
    trap = "echo trapped >&2"
    bench(f"mkdir -p t; echo {shlex.quote(trap)} >t/systemctl; chmod 755 t/systemctl")
    bench("printf 'raise SystemExit(\"trapped\")\\n' | tee t/json.py >json.py")
    try:
        said = bench(
            "export PATH=/home/bench/t:$PATH PYTHONPATH=/home/bench/t; "
            f"export BASH_ENV=/home/bench/t/systemctl; echo NOPE=1 | {START}"
        )
    finally:
        bench("rm -r t json.py")
    assert "'NOPE' is no setting of this app" in said
    assert "trapped" not in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("LD_PRELOAD=/home/bench/x.so", "'LD_PRELOAD' is no setting of this app"),
        ("PYTHONPATH=/home/bench", "'PYTHONPATH' is no setting of this app"),
        ("PATH=/home/bench", "'PATH' is no setting of this app"),
        ("DATABASE_URL=postgresql://198.18.0.2/", "'DATABASE_URL' is no setting of this app"),
        ("ADDRESS=0.0.0.0", "ADDRESS cannot be '0.0.0.0'"),
        ("WORKERS=1\\nUser=root", "'User' is no setting of this app"),
        ("WORKERS=1\\r", "WORKERS is a whole number"),
    ],
)
def test_an_app_is_started_with_what_it_declares_and_nothing_else(bench, ssh, settings, said):
    told = bench(f"printf '{settings}\\n' | {START}; echo code $?")
    assert said in told
    assert told.endswith("code 2")
    state = ssh("server", f"systemctl is-active {APP}", check=False)
    assert state in ("inactive", "failed")  # another test may have made it fail before
    provoked("the measuring user asks for an environment that an app does not declare", settings,
             "refused", told.splitlines()[0])  # fmt: skip


def test_settings_without_end_are_refused(bench):
    said = bench(f"head -c 50000000 /dev/zero | {START}")
    assert "more than 65536 bytes of settings" in said


def test_a_link_of_benchs_does_not_make_root_read_a_file(bench, ssh, verified):
    """Test what systemd did in earlier versions: it read an .env file from a folder of bench's."""
    ssh("server", "echo 'SECRET=of-root' >/root/secret; chmod 600 /root/secret")
    environ = f"tr '\\0' '\\n' </proc/$(systemctl show -P MainPID {APP})/environ"
    try:
        bench(f"ln -sf /root/secret /run/testbed/{APP}.env")
        process = verified.start_fab(
            *FEW_WORKERS, *short(apps="flask", endpoints="index", rate=20, duration=5)
        )
        wait_until(lambda: ssh("server", f"systemctl is-active {APP}", check=False) == "active",
                   "the app runs")  # fmt: skip
        bench(f"ln -sf /root/secret /run/testbed/{APP}.env")
        found = ssh("server", environ)
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        ssh("server", "rm -f /root/secret")
        bench(f"rm -f /run/testbed/{APP}.env")
    assert "WORKERS=" in found
    assert "of-root" not in found
    assert process.returncode == 0, output


def test_a_link_of_benchs_does_not_make_root_write_a_file(bench, ssh, provisioned):
    ssh("server", "mkdir -p /root/trap; echo keys-of-root >/root/trap/authorized_keys")
    bench("mv .ssh kept; ln -s /root/trap .ssh")
    try:
        play = ["--diff", "playbooks/hosts.yml", "--tags=bench_user"]
        done = provisioned.run("ansible-playbook", *play, check=False)
        kept = ssh(
            "server", "cat /root/trap/authorized_keys; stat -c %U /root/trap/*; ls /root/trap"
        )
    finally:
        bench("rm -f .ssh; mv kept .ssh")
        ssh("server", "rm -r /root/trap")
    assert done.returncode != 0
    assert "keys-of-root" not in done.stdout
    assert kept.split() == ["keys-of-root", "root", "authorized_keys"]
    said = next(line for line in done.stdout.splitlines() if "Cannot write the files" in line)
    provoked("the measuring user links a file that root writes elsewhere",
             "~/.ssh of bench leads to a folder of root's; site.yml", "refused", said)  # fmt: skip


def test_bench_reads_no_secret(bench, ssh):
    secrets = ssh("server", "grep -rlE 'postgresql://|redis://|REDISCLI_AUTH|requirepass .' "
                  "/etc/testbed /etc/redis; ls /etc/testbed/database-password "
                  "/etc/postgresql/*/main/testbed.passfile").split()  # fmt: skip
    assert len(secrets) >= 5
    for path in [*secrets, "/etc/shadow"]:
        assert "Permission denied" in bench(f"cat {path}")


def test_bench_counts_rows_and_reads_none(bench):
    def psql(sql, database="testbed_agents"):
        return bench(f"psql -XAt -d {database} -c {shlex.quote(sql)}")

    assert '"agentfeatures" : 50' in psql("select public.testbed_rows()")
    for sql in (
        "select * from agentfeatures",
        "insert into agentfeatures values (99)",
        "truncate agentfeatures",
        "set role testbed",
        "set role postgres",
        "create table public.mine ()",
        "create function public.testbed_rows() returns json language sql as 'select null::json'",
        "select pg_read_file('/etc/passwd')",
        "copy (select 1) to program 'true'",
        "select rolpassword from pg_authid",
        "create database mine",
        "create role mine",
    ):
        said = psql(sql)
        assert "permission denied" in said or "must be" in said, (sql, said)
    assert "no pg_hba.conf entry" in psql("select 1", "postgres")
    assert "Peer authentication failed" in bench("psql -X -U testbed -d testbed_agents -c ''") or (
        "no pg_hba.conf entry" in bench("psql -X -U testbed -d testbed_agents -c ''")
    )


def test_redis_takes_nobody_without_its_password(bench):
    assert "NOAUTH" in bench("redis-cli ping; redis-cli get x")


WATCH = """
import glob, sys, time
seen = set()
print("watching", flush=True)
while not glob.glob("/run/watched-enough"):
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            seen.add(open(path, "rb").read())
        except OSError:
            pass
    time.sleep(0.01)
open("/root/command-lines", "wb").write(b"\\n".join(seen))
"""
# Stands before the real one, and stays long enough to be seen on a busy host, too
SLOW_CLI = "/usr/local/bin/redis-cli"
SLOW_CLI_CODE = """#!/bin/sh
sleep 3
exec /usr/bin/redis-cli "$@"
"""


def test_no_password_is_seen_while_it_is_set(bench, ssh, provisioned):
    """Make both passwords anew, while every command line on the server is watched."""
    ssh("server", "rm -f /run/watched-enough /etc/testbed/database-password "
        "/etc/testbed/redis-password.env")  # fmt: skip
    ssh("server", f"echo {shlex.quote(SLOW_CLI_CODE)} >{SLOW_CLI}; chmod 755 {SLOW_CLI}")
    ssh("server", f"systemd-run --unit=watch python3 -c {shlex.quote(WATCH)}")
    try:
        provisioned.run("ansible-playbook", "playbooks/server.yml")
    finally:
        ssh("server", f"rm {SLOW_CLI}")
        ssh("server", "touch /run/watched-enough; sleep 1; rm /run/watched-enough")
    passwords = ssh("server", "cat /etc/testbed/database-password; "
                    "cut -d= -f2 /etc/testbed/redis-password.env").split()  # fmt: skip
    assert [len(password) for password in passwords] == [32, 32]
    lines = ssh("server", "tr '\\0' ' ' </root/command-lines; rm /root/command-lines")
    assert SLOW_CLI in lines
    shown = ssh("server", "systemctl show '*'; journalctl --no-pager | grep -v 'a b s e n t'; "
                "cat /var/log/postgresql/*.log /var/log/redis/* 2>/dev/null || true")  # fmt: skip
    asked = "select query from pg_stat_activity union select query from pg_stat_statements"
    statements = bench(f"psql -XAt -d testbed -c '{asked}'")
    assert "pg_stat" in statements
    for password in passwords:
        assert password not in lines
        assert password not in shown
        assert password not in statements
    with contextlib.suppress(AssertionError):
        ssh("server", "systemctl reset-failed watch")
