"""The SQL of roles/postgresql, on a cluster of the test's own: what it makes, marks and drops."""

import json
import subprocess
from dataclasses import replace

import pytest

from testbed.model.database import LOGINS
from tests.unit.apps import cluster
from tests.unit.roles.test_playbooks import ROOT, ansible, rendering

DIGESTS = {"agents": "a" * 12, "todo": "b" * 12}
LATER = {"agents": "c" * 12}  # another data set; the workload todo is gone
TEMPLATES = ROOT / "roles" / "postgresql" / "templates"
RENDERED = (
    "objects.sql", "marks.sql", "rows.sql", "password.sql", "pg_hba.testbed.conf",
    "environments.json",
)  # fmt: skip
NAMES = "SELECT datname FROM pg_database WHERE datname ~ '^(testbed|mine)' ORDER BY 1"


def variables(digests):
    workloads = [*digests, "plain"]  # the last one has no data set
    return {
        "testbed_database": "testbed",
        "testbed_user": "bench",
        "testbed_deployment": {"services": {"postgresql": workloads}},
        "testbed_database_port": 5432,
        "testbed_etc": "/etc/testbed",
        "postgresql_logins": [vars(one) | {"suffix": one.suffix} for one in LOGINS],
        "postgresql_password": "secret",
        "postgresql_datasets": [
            {"workload": name, "file": "x", "digest": digest} for name, digest in digests.items()
        ],
    }


def rendered(names, to):
    """Return a task that renders templates to one file."""
    return rendering({name: TEMPLATES / f"{name}.j2" for name in names}, to)


@pytest.fixture(scope="module")
def sql(tmp_path_factory):
    """Templates as Ansible renders them, by name and stage."""
    out = tmp_path_factory.mktemp("sql")
    plays = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": variables(digests),
            "vars_files": [str(ROOT / "roles" / "postgresql" / "vars" / "main.yml")],
            "tasks": [rendered(RENDERED, out / stage)],
        }
        for stage, digests in (("first", DIGESTS), ("later", LATER))
    ]
    # a teardown does not ask what is deployed
    names = {name: variables({})[name] for name in ("testbed_database", "testbed_user")}
    torn = [rendered(["drop.sql"], out / "last")]
    plays.append({"hosts": "localhost", "gather_facts": False, "vars": names, "tasks": torn})
    (out / "play.yml").write_text(json.dumps(plays))
    ansible("ansible-playbook", "-i", "localhost,", "-c", "local", str(out / "play.yml"))
    return lambda name, stage: json.loads((out / stage).read_text())[name]


@pytest.fixture
def run(sql, tmp_path):
    """Run the SQL of one stage as the superuser; return what psql printed."""
    with cluster.running() as running:
        server = replace(running, database="postgres")

        def psql(name, stage):
            path = server.folder / "test.sql"
            path.write_text(sql(f"{name}.sql", stage))
            path.chmod(0o644)
            command = [argument for argument in server._local("postgres") if argument != "-qAt"]
            return cluster.output([*command, "-At", "-f", str(path), "postgres"])

        psql.query, psql.server = server.query, server
        yield psql


def marks(run):
    rows = run.query(
        "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
        " WHERE datname ~ '^testbed' ORDER BY 1"
    )
    return dict(row.split("|") for row in rows)


def test_databases_come_and_go_with_their_workloads_and_no_others(run):
    run("objects", "first")
    assert set(marks(run).values()) == {"testbed"}
    run("marks", "first")
    assert marks(run) == {
        "testbed": "testbed",
        "testbed_agents": f"testbed: data set {'a' * 12}",
        "testbed_plain": "testbed",
        "testbed_todo": f"testbed: data set {'b' * 12}",
    }
    for again in ("objects", "marks"):  # a second run changes nothing
        said = run(again, "first")
        assert not {"CREATE", "GRANT", "DROP", "COMMENT"} & set(said.split()), said

    for statement in (
        "CREATE DATABASE testbed_own OWNER testbed",  # its user's, without a mark
        "CREATE DATABASE mine",
        "COMMENT ON DATABASE mine IS 'testbed'",  # of another owner
    ):
        run.query(statement)
    assert "GRANT" in run("rows", "first")
    assert not run("rows", "first").strip()
    run.query("REVOKE ALL ON FUNCTION public.testbed_rows() FROM bench")  # as of another user
    assert "GRANT" in run("rows", "first")

    said = run("objects", "later")
    assert said.split().count("DROP") == 1
    assert run.query(NAMES) == ["mine", "testbed", "testbed_agents", "testbed_own", "testbed_plain"]
    assert marks(run)["testbed_agents"] == "testbed"  # until the other data set is loaded
    run("marks", "later")
    assert marks(run)["testbed_agents"] == f"testbed: data set {'c' * 12}"


def login(server, role, way):
    """Log in, and use the owner's rights; return as whom it ended, or PostgreSQL's refusal."""
    host = "127.0.0.1" if way == "tcp" else str(server.folder)
    url = f"postgresql://{role}:secret@/testbed_agents?host={host}&port={server.port}"
    command = [str(server.binaries / "psql"), "-XAt", "-c", "SELECT session_user", url]
    command[2:2] = ["-c", "BEGIN; CREATE TABLE mine AS SELECT 1; ROLLBACK"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    return said.stderr or said.stdout.split()[-1]


def test_each_way_to_log_in_has_a_role_that_comes_no_other_way(run, sql):
    run("objects", "first")
    assert "password missing" in run("objects", "first")
    run("password", "first")
    assert "password missing" not in run("objects", "first")
    server = run.server
    hba = server.folder / "data" / "pg_hba.conf"
    rules = sql("pg_hba.testbed.conf", "first").replace("postgres peer", "postgres trust")
    hba.write_text(rules)
    run.query("SELECT pg_reload_conf()")
    methods = run.query("SELECT user_name[1], auth_method FROM pg_hba_file_rules ORDER BY 1")
    for one in LOGINS:
        role = f"testbed{one.suffix}"
        assert f"{role}|{one.auth}" in methods
        assert login(server, role, one.socket) == role
        other = "unix" if one.socket == "tcp" else "tcp"
        assert "no pg_hba.conf entry" in login(server, role, other)
    kinds = run.query("SELECT rolname, left(rolpassword, 3) FROM pg_authid WHERE rolname ~ '^test'")
    assert sorted(kinds) == [
        "testbed_md5_unix|md5", "testbed_md5|md5", "testbed_unix|SCR", "testbed|SCR",
    ]  # fmt: skip


def test_an_app_is_told_each_way_in_a_file_of_its_own(sql):
    files = {one["path"]: one["content"] for one in json.loads(sql("environments.json", "later"))}
    assert len(files) == 2 * len(LOGINS)  # of agents and plain
    by_tcp = "DATABASE_URL=postgresql://testbed:secret@127.0.0.1:5432/testbed_agents\n"
    assert files["/etc/testbed/database-agents-scram-sha-256-tcp.env"] == by_tcp
    by_socket = "testbed_md5_unix:secret@/testbed_plain?host=/var/run/postgresql&port=5432\n"
    assert files["/etc/testbed/database-plain-md5-unix.env"].endswith(by_socket)


def test_a_teardown_drops_what_is_the_testbeds_and_no_role_of_others(run):
    run("objects", "first")
    run.query("CREATE ROLE testbed_of_mine")
    run.query("CREATE DATABASE mine")
    run("drop", "last")
    roles = "SELECT rolname FROM pg_roles WHERE rolname ~ '^(testbed|bench)' ORDER BY 1"
    assert run.query(roles) == ["testbed_of_mine"]
    assert run.query(NAMES) == ["mine"]

    run.query("CREATE ROLE bench LOGIN")  # somebody's, of the name of the user who measures
    run("objects", "first")
    assert "GRANT" not in run("objects", "first")
    run("drop", "last")
    assert run.query(roles) == ["bench", "testbed_of_mine"]

    run.query("CREATE ROLE testbed LOGIN")  # as an earlier version made both, without a mark
    run("objects", "first")
    run("drop", "last")
    assert run.query(roles) == ["testbed_of_mine"]
