"""Provoke on the shared lab what makes a run doubtful or invalid."""

import csv
import itertools
import json
from statistics import median

import pytest

from tests.lab.campaigns import (
    FEW_WORKERS,
    OF_THIS_MACHINE,
    ONE,
    PATIENCE_S,
    checks,
    during_load,
    records,
    sentences,
    short,
    the_run,
    wait_for_load,
)
from tests.lab.faults import provoked, provoked_in

UNDO = "rtrim(number, '!')"


def test_a_run_without_disturbance_is_not_invalid(verified):
    run = the_run(verified)
    assert checks(run, "invalid") <= OF_THIS_MACHINE, run["findings"]
    assert run["gave_out"]["sentence"]


def test_a_locked_table_is_what_gives_out(verified, ssh):
    """All workers wait for the lock. On a busy machine CPUs may be short, or samples too few."""
    lock = "begin; lock table agentfeatures; select pg_sleep(6); commit"
    hold = f'sudo -u postgres psql -q testbed_agents -c "{lock}" >/dev/null'
    load = {"rate": 400, "duration": 8}
    run, *_ = during_load(verified, ssh, lambda: ssh("server", hold), **load)
    told = checks(run, "invalid") | checks(run, "doubtful")
    here = {"generator": {"generator_lag", "generator_cpu"}, "unknown": {"telemetry"}}
    right = {"database", "all_cores", "workers"} | {one for one in here if here[one] & told}
    assert run["gave_out"]["what"] in right, run["gave_out"]


def test_strict_ends_with_an_error_unless_all_is_valid(verified):
    # 120 answers are too few for a p99, so that the run is doubtful
    run = the_run(verified, "--strict", code=5)
    assert "tail_samples" in checks(run, "doubtful")


def test_a_killed_app_is_invalid(verified, ssh):
    def kill():
        ssh("server", "systemctl kill -s KILL testbed-agents-flask.service")

    run, *_ = during_load(verified, ssh, kill)
    assert run["verdict"] == "invalid"
    assert {"daemon", "answer"} <= checks(run, "invalid")
    provoked_in("app killed", "systemctl kill -s KILL of its unit during the load", run, "daemon")


def test_a_killed_worker_is_doubtful_though_it_is_replaced(verified, ssh):
    main = "systemctl show -P MainPID testbed-agents-flask.service"
    kill = f"sleep 2; kill -KILL $(pgrep -P $({main}) | tail -n 1)"
    run, *_ = during_load(verified, ssh, lambda: ssh("server", kill))
    assert "daemon" not in checks(run, "invalid")
    assert "1 of the app's processes ended" in sentences(run, "workers_ended")
    assert run["verdict"] != "valid"
    provoked_in(
        "a worker killed",
        "SIGKILL to one of the app's workers, replaced at once",
        run,
        "workers_ended",
    )


def test_an_app_started_anew_is_invalid(verified, ssh):
    """Restart the app by hand, which does not change systemd's own count of restarts."""
    unit = "testbed-agents-flask.service"
    run, *_ = during_load(verified, ssh, lambda: ssh("server", f"systemctl restart {unit}"))
    assert run["unit"]["NRestarts"] == "0"
    assert "another main process" in sentences(run, "daemon")
    assert "daemon" in checks(run, "invalid")
    provoked_in("app restarted", "systemctl restart during the load", run, "daemon")


def test_wrong_answers_during_the_load_are_told_though_those_around_it_are_right(verified, ssh):
    update = 'sudo -u postgres psql -q testbed_agents -c "update agentfeatures set number = {}"'
    edit, undo = update.format("number || '!'"), update.format(UNDO)

    def for_a_while():
        ssh("server", f"sleep 2; {edit}; sleep 1; {undo}")  # after the warm-up

    run, *_ = during_load(verified, ssh, for_a_while)
    assert [check["ok"] for check in run["answers"]] == [True, True]
    assert run["output"]["errors"]["wrong_body"] > 0
    assert "had another body than the verified one" in sentences(run, "answer")
    assert run["verdict"] == "invalid"
    provoked_in(
        "wrong answers for a while", "the data edited for a second of the load", run, "answer"
    )


def test_what_tcp_sends_again_is_remarked(verified, ssh):
    """Make the server's end of the link narrow for a while, so that its queue overflows."""
    shape = "tc qdisc replace dev bench0 root tbf rate {} burst {} latency 5ms"
    narrow, usual = shape.format("1mbit", "4kb"), shape.format("1gbit", "256kb")
    run, *_ = during_load(verified, ssh, lambda: ssh("server", f"{narrow}; sleep 2; {usual}"))
    assert "server: TCP sent" in sentences(run, "retransmits")
    provoked_in("packets lost", "a queue of 4 kB at 1 Mbit/s for two seconds", run, "retransmits")


def test_a_wrong_answer_fails_the_run(verified, ssh):
    update = 'sudo -u postgres psql -q testbed_agents -c "update agentfeatures set number = {}"'
    ssh("server", update.format("number || '!'"))
    try:
        run = the_run(verified, code=4)
    finally:
        ssh("server", update.format(UNDO))
    assert run["failure"]["stage"] == "check"
    assert "differs from the expected one at $" in run["failure"]["message"]
    assert run["verdict"] == "invalid"
    assert run["output"] is None
    provoked_in("a wrong answer before the load", "the data edited", run, "answer")


def test_sql_that_is_not_declared_is_named(verified, ssh):
    loop = (
        "for i in $(seq 20); do PGPASSWORD=$(cat /etc/testbed/database-password) psql -h 127.0.0.1 "
        "-U testbed -q testbed_agents -c 'select count(*) from agentfeatures' >/dev/null; "
        "sleep 0.1; done"
    )
    run, *_ = during_load(verified, ssh, lambda: ssh("server", loop))
    assert "sql" in checks(run, "invalid")
    named = [seen["text"] for seen in run["sql"] if seen["kind"] == "unexpected"]
    assert "select count(*) from agentfeatures" in named
    provoked_in("other SQL than declared", "psql beside the app, during the load", run, "sql")


@pytest.fixture(params=["client"])
def busy_host(ssh, request):
    """A host, by default the client, whose CPU is used by other processes for a limited time."""
    ssh(
        request.param,
        "systemd-run --unit=hog timeout 600 sh -c 'for i in 1 2 3 4 5 6; do "
        "while :; do :; done & done; wait'",
    )
    yield request.param
    ssh(request.param, "systemctl stop hog || true")


@pytest.mark.parametrize("busy_host", ["client", "server"], indirect=True)
def test_other_load_before_a_run_is_named(verified, busy_host):
    run = the_run(verified)
    assert "other_load" in checks(run, "invalid")
    assert f"{busy_host}: " in sentences(run, "other_load")
    names = [one["name"] for one in run["before"][busy_host]["busiest"]]
    assert "sh" in names
    if busy_host == "client":
        provoked_in("other load on the client", "six busy loops before the run", run, "other_load")
    else:
        provoked_in("other load on the server", "six busy loops before the run", run, "other_load")


FASTEST = {"apps": "aiohttp_api_hour", "endpoints": "index", "connections": 100}


@pytest.fixture(scope="module")
def saturated(verified):
    """A run of the fastest server, with more requests due than any generator can notice."""
    return the_run(verified, **FASTEST, rate=800000, duration=2)


def test_a_saturated_generator_convicts_itself(saturated):
    found = checks(saturated, "doubtful") | checks(saturated, "invalid")
    assert {"generator_lag", "generator_cpu"} & found, saturated["findings"]
    provoked_in("generator saturated", "800,000 requests/s asked", saturated, "generator_lag")


def test_a_starved_generator_convicts_itself(verified, saturated, busy_host):
    # the most that the client can do alone is more than it can do beside other processes
    rate = max(100, round(saturated["output"]["throughput_rps"]))
    run = the_run(verified, **FASTEST, rate=rate)
    assert "generator_lag" in checks(run, "doubtful") | checks(run, "invalid"), run["findings"]
    provoked_in("generator starved", "six busy loops beside it", run, "generator_lag")


def test_connections_that_starve_are_named(verified, ssh):
    """Halt the worker that holds the most connections, while those of the others go on."""

    def halt():
        connections = "ss -Htnp state established '( sport = :8080 )'"
        ssh(
            "server",
            f"until [ $({connections} | wc -l) -ge 40 ]; do sleep 0.05; done; "
            f"halted=$({connections} | grep -o 'pid=[0-9]*' | sort | uniq -c | sort -rn | head -1 "
            "| cut -d= -f2); kill -STOP $halted; "
            'setsid sh -c "sleep 10; kill -CONT $halted" >/dev/null 2>&1 &',
        )

    load = {"apps": "aiohttp_api_hour", "endpoints": "index", "rate": 400, "connections": 40}
    load["duration"] = 6  # shorter than the halt of the worker
    run, *_ = during_load(verified, ssh, halt, **load)
    answers = run["output"]["answers_per_connection"]
    assert answers["p5"] < answers["mean"] / 2 < answers["max"]
    assert "starved_connections" in checks(run, "doubtful"), run["output"]
    provoked_in("connections starve", "a worker halted", run, "starved_connections")


def test_a_full_listen_queue_is_remarked(verified, ssh):
    before = ssh("server", "sysctl -n net.core.somaxconn")
    ssh("server", "sysctl -w net.core.somaxconn=1")
    try:
        run = the_run(verified, rate=400, connections=100)
    finally:
        ssh("server", f"sysctl -w net.core.somaxconn={before}")
    assert "listen_queue" in checks(run, "valid"), run["findings"]
    provoked_in("listen queue full", "net.core.somaxconn set to 1", run, "listen_queue")


def test_too_few_open_files_are_doubtful(verified, ssh):
    folder = "/run/systemd/system/testbed-agents-flask.service.d"
    few = f"mkdir -p {folder}; printf '[Service]\\nLimitNOFILE=110\\n' >{folder}/few.conf"
    ssh("server", f"{few}; systemctl daemon-reload")
    try:
        run = the_run(verified)
    finally:
        ssh("server", f"rm -r {folder}; systemctl daemon-reload")
    assert run["open_files"]["app"] == 110
    assert run["open_files"]["generator"] > 1000
    assert "the app may open only 110 files" in sentences(run, "open_files")
    provoked_in("few open files", "LimitNOFILE=110 for the app", run, "open_files")


def test_a_halt_of_the_telemetry_is_doubtful(verified, ssh):
    halt = (
        "until [ $(cat /run/testbed/*/telemetry-client.csv | wc -l) -gt 2 ]; do sleep 0.1; done; "
        "halted=$(pgrep -u bench -f 'telemetry record'); kill -STOP $halted; sleep 4; "
        "kill -CONT $halted"
    )
    run, *_ = during_load(verified, ssh, lambda: ssh("client", halt))
    assert "more than asked without a sample" in sentences(run, "telemetry")
    provoked_in("telemetry halted", "SIGSTOP to it for four seconds", run, "telemetry")


def test_telemetry_samples_as_often_as_asked(verified):
    folder = verified.campaign(*FEW_WORKERS, *short(**ONE), "--telemetry-interval=0.25")
    assert (
        json.loads((folder / "campaign.json").read_text())["asked"]["telemetry_interval_s"] == 0.25
    )
    (run,) = records(folder)
    assert run["telemetry_interval_s"] == 0.25
    for role in ("server", "client"):
        with (folder / run["run_id"] / f"telemetry-{role}.csv").open(newline="") as stream:
            times = [float(row["monotonic_s"]) for row in csv.DictReader(stream)]
        beats = [b - a for a, b in itertools.pairwise(times)]
        assert 0.2 < median(beats) < 1  # not sooner than asked, and not once a second as by default


EXPERIMENT = """\
schema_version: 1
title: t
description: d
workload: agents
apps: [{apps}]
endpoints: [index]
trials: 1
variants: {{odd: {variant}}}
load: {{mode: constant_rate, rate_rps: 100, connections: 10, threads: 1, duration_s: 2,
        warmup_s: 1, timeout_s: 5}}
"""


def test_other_data_and_settings_than_before_are_doubtful(verified, ssh):
    psql = 'sudo -u postgres psql -q testbed_agents -c "{}"'
    reload = "; " + psql.format("select pg_reload_conf()") + " >/dev/null"
    (verified.results / "latest").unlink(missing_ok=True)
    process = verified.start_fab(*FEW_WORKERS, *short(**(ONE | {"trials": 2, "duration": 9})))
    try:
        wait_for_load(ssh)
        ssh("server", psql.format("set role testbed; create table public.grown as select 1 as one"))
        ssh("server", psql.format("alter system set work_mem = '5MB'") + reload)
        process.communicate(timeout=PATIENCE_S)
    finally:
        ssh("server", psql.format("drop table if exists public.grown"))
        ssh("server", psql.format("alter system reset work_mem") + reload)
    first, second = records((verified.results / "latest").resolve())
    assert "unequal_data" not in checks(first, "doubtful")
    assert "grown 1 rows (first 0)" in sentences(second, "unequal_data")
    assert "unequal_settings" not in checks(first, "doubtful")
    assert "work_mem 5MB (first " in sentences(second, "unequal_settings")
    provoked_in("data changed", "a table made between two runs", second, "unequal_data")
    provoked_in(
        "settings of PostgreSQL changed",
        "work_mem set between two runs",
        second,
        "unequal_settings",
    )


def test_unequal_workers_are_doubtful(verified, tmp_path):
    variant = "{app_settings: {flask: {workers: 3}, django: {workers: 1}}}"
    (tmp_path / "odd.yml").write_text(EXPERIMENT.format(apps="flask, django", variant=variant))
    folder = verified.campaign("run", str(tmp_path / "odd.yml"))
    for run in records(folder):
        assert "unequal workers: django 1, flask 3" in sentences(run, "unequal_workers")
        assert run["verdict"] != "valid"
    provoked_in("unequal workers", "3 workers of one app, 1 of the other", run, "unequal_workers")


def test_more_database_connections_than_postgresql_takes_are_refused(verified, tmp_path):
    text = EXPERIMENT.format(apps="aiohttp_api_hour", variant="{settings: {workers: 100}}")
    (tmp_path / "wide.yml").write_text(text)
    done = verified.fab("run", str(tmp_path / "wide.yml"), check=False)
    assert done.returncode == 2
    assert "its 100 workers may open 3000 database connections" in done.stdout + done.stderr
    assert "postgresql_app_connections to 3000" in done.stdout + done.stderr
    provoked("too few database connections", "100 workers with pools of 30", "refused", done.stderr)
