"""The SQL of roles/postgresql, on a cluster of the test's own: what it makes, marks and drops."""

import json
from dataclasses import replace

import pytest

from tests.unit.apps import cluster
from tests.unit.roles.test_playbooks import ROOT, ansible

DIGESTS = {"agents": "a" * 12, "todo": "b" * 12}
LATER = {"agents": "c" * 12}  # another data set; the workload todo is gone
TEMPLATES = ROOT / "roles" / "postgresql" / "templates"
NAMES = "SELECT datname FROM pg_database WHERE datname ~ '^(testbed|mine)' ORDER BY 1"


def variables(digests):
    workloads = [*digests, "plain"]  # the last one has no data set
    return {
        "testbed_database": "testbed",
        "testbed_user": "bench",
        "testbed_deployment": {"services": {"postgresql": workloads}},
        "postgresql_datasets": [
            {"workload": name, "file": "x", "digest": digest} for name, digest in digests.items()
        ],
    }


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
            "tasks": [
                {
                    "ansible.builtin.copy": {
                        "content": "{{ lookup('ansible.builtin.template', '%s') }}"
                        % (TEMPLATES / f"{name}.sql.j2"),
                        "dest": str(out / f"{name}-{stage}.sql"),
                        "mode": "0644",
                    }
                }
                for name in ("objects", "marks")
            ],
        }
        for stage, digests in (("first", DIGESTS), ("later", LATER))
    ]
    (out / "play.yml").write_text(json.dumps(plays))
    ansible("ansible-playbook", "-i", "localhost,", "-c", "local", str(out / "play.yml"))
    return lambda name, stage: (out / f"{name}-{stage}.sql").read_text()


@pytest.fixture
def run(sql, tmp_path):
    """Run the SQL of one stage as the superuser; return what psql printed."""
    with cluster.running() as running:
        server = replace(running, database="postgres")

        def psql(name, stage):
            path = server.folder / "test.sql"
            path.write_text(sql(name, stage))
            path.chmod(0o644)
            command = [argument for argument in server._local("postgres") if argument != "-qAt"]
            return cluster.output([*command, "-At", "-f", str(path), "postgres"])

        psql.query = server.query
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
    said = run("objects", "later")
    assert said.split().count("DROP") == 1
    assert run.query(NAMES) == ["mine", "testbed", "testbed_agents", "testbed_own", "testbed_plain"]
    assert marks(run)["testbed_agents"] == "testbed"  # until the other data set is loaded
    run("marks", "later")
    assert marks(run)["testbed_agents"] == f"testbed: data set {'c' * 12}"
