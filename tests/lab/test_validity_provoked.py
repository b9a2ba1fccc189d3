"""What makes a run doubtful or invalid, provoked for real on the shared lab."""

import pytest

from tests.lab.campaigns import records, short, wait_until

ONE = {"apps": "flask", "endpoints": "agents", "rate": 40}


def the_run(testbed, *flags, code=0, **changes):
    """The only run of a campaign."""
    done = testbed.fab("run-round2", *short(**(ONE | changes)), *flags, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    (run,) = records((testbed.results / "latest").resolve())
    return run


def checks(run, verdict):
    return {finding["check"] for finding in run["findings"] if finding["verdict"] == verdict}


def during_load(testbed, ssh, action):
    """The run in whose load `action` happens."""
    (testbed.results / "latest").unlink(missing_ok=True)
    process = testbed.start_fab("run-round2", *short(**ONE, duration=6))
    wait_until(lambda: ssh("client", "pgrep -u bench -f pacer.worker || true"), "the load is on")
    action()
    output, _ = process.communicate(timeout=120)
    (run,) = records((testbed.results / "latest").resolve())
    return run, process.returncode, output


def test_a_run_without_disturbance_is_not_invalid(verified):
    run = the_run(verified)
    assert run["verdict"] != "invalid", run["findings"]


def test_strict_ends_with_an_error_unless_all_is_valid(verified):
    # 120 answers are too few for a p99, so the run is doubtful
    run = the_run(verified, "--strict", code=5)
    assert "tail_samples" in checks(run, "doubtful")


def test_a_killed_app_is_invalid(verified, ssh):
    def kill():
        ssh("server", "systemctl kill -s KILL testbed-agents-flask.service")

    run, _, _ = during_load(verified, ssh, kill)
    assert run["verdict"] == "invalid"
    assert {"daemon", "answer"} <= checks(run, "invalid")


def test_a_stopped_database_is_invalid(verified, ssh):
    try:
        run, _, _ = during_load(verified, ssh, lambda: ssh("server", "systemctl stop postgresql@*"))
    finally:
        ssh("server", "systemctl start postgresql")
        wait_until(
            lambda: (
                ssh("server", "sudo -u postgres psql -Atc 'select 1' 2>/dev/null || true") == "1"
            ),
            "PostgreSQL is back",
        )
    assert run["verdict"] == "invalid"


def test_a_wrong_answer_fails_the_run(verified, ssh):
    update = 'sudo -u postgres psql -q testbed -c "update agentfeatures set number = {}"'
    edit, undo = "number || '!'", "rtrim(number, '!')"
    ssh("server", update.format(edit))
    try:
        run = the_run(verified, code=4)
    finally:
        ssh("server", update.format(undo))
    assert run["failure"]["stage"] == "check"
    assert "differs from the expected one at $" in run["failure"]["message"]
    assert run["verdict"] == "invalid"
    assert run["output"] is None


def test_sql_that_is_not_declared_is_named(verified, ssh):
    loop = (
        "for i in $(seq 20); do PGPASSWORD=$(cat /etc/testbed/database-password) psql -h 127.0.0.1 "
        "-U testbed -q testbed -c 'select count(*) from agentfeatures' >/dev/null; sleep 0.1; done"
    )
    run, _, _ = during_load(verified, ssh, lambda: ssh("server", loop))
    assert "sql" in checks(run, "invalid")
    named = [seen["text"] for seen in run["sql"] if seen["kind"] == "unexpected"]
    assert "select count(*) from agentfeatures" in named


@pytest.fixture
def busy_client(ssh):
    """The client host's CPU eaten by neighbours, for a bounded time."""
    ssh(
        "client",
        "systemd-run --unit=hog timeout 60 sh -c 'for i in 1 2 3 4 5 6; do "
        "while :; do :; done & done; wait'",
    )
    yield
    ssh("client", "systemctl stop hog || true")


def test_a_starved_generator_convicts_itself(verified, busy_client):
    # a rate that takes more of a CPU than the neighbours leave
    run = the_run(verified, apps="aiohttp_api_hour", endpoints="index", rate=8000, connections=100)
    assert {"generator_lag"} & (checks(run, "doubtful") | checks(run, "invalid")), run["findings"]


def test_a_saturated_generator_convicts_itself(verified):
    # more than it can even notice to be due; the server is the fastest there is
    fastest = {"apps": "aiohttp_api_hour", "endpoints": "index", "connections": 100}
    run = the_run(verified, **fastest, rate=800000, duration=2)
    found = checks(run, "doubtful") | checks(run, "invalid")
    assert {"generator_lag", "generator_cpu"} & found, run["findings"]
