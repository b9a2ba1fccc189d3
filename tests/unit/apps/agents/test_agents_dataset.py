"""The data set: what it holds, and that it may be loaded at any time."""

import subprocess

import pytest

from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE

DATASET = CATALOGUE.folders["agents"] / "dataset.sql"


def test_there_are_50_agents_and_none_is_logged_in(database: Cluster) -> None:
    assert database.query("SELECT count(*), count(DISTINCT number) FROM agentfeatures") == ["50|50"]
    assert database.query("SELECT count(*) FROM agent_login_status") == ["0"]


def test_loading_again_changes_nothing_and_says_so(database: Cluster) -> None:
    before = database.query("SELECT xmin, * FROM agentfeatures ORDER BY id")
    assert database.load(DATASET) == "unchanged\n"
    assert database.query("SELECT xmin, * FROM agentfeatures ORDER BY id") == before


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM agentfeatures WHERE id = 7",
        "UPDATE agentfeatures SET number = '9999' WHERE id = 7",
        "INSERT INTO agentfeatures VALUES (51, '1051', 'Too', 'Many', 'en')",
        "INSERT INTO agent_login_status VALUES (1, '21', 'default', 'SIP/21', 'SIP/21')",
        "DROP TABLE agent_login_status",
        "DROP TABLE agentfeatures CASCADE",
        "COMMENT ON TABLE agentfeatures IS 'an older version'",
    ],
)
def test_what_differs_is_repaired(database: Cluster, damage: str) -> None:
    rows = database.query("SELECT * FROM agentfeatures ORDER BY id")
    database.query(damage)
    assert database.load(DATASET) == "changed\n"
    assert database.query("SELECT * FROM agentfeatures ORDER BY id") == rows
    assert database.load(DATASET) == "unchanged\n"


def test_a_load_that_fails_prints_neither_word_and_changes_nothing(database: Cluster) -> None:
    rows = database.query("SELECT * FROM agentfeatures ORDER BY id")
    database.query("ALTER TABLE agentfeatures ADD CONSTRAINT refused CHECK (id <> 50) NOT VALID")
    database.query("UPDATE agentfeatures SET lastname = 'Changed' WHERE id = 1")
    try:
        done = subprocess.run(
            database.psql("-f", str(DATASET)), capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert "refused" in done.stderr
        assert done.stdout == ""
        assert len(database.query("SELECT * FROM agentfeatures")) == len(rows)
    finally:
        database.query("ALTER TABLE agentfeatures DROP CONSTRAINT refused")
        database.load(DATASET)
