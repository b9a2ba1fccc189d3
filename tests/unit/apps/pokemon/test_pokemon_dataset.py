"""The data set: what it holds, and that it may be loaded at any time."""

import json

import pytest

from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE

FOLDER = CATALOGUE.folders["pokemon"]
DATASET = FOLDER / "dataset.sql"


def test_there_are_800_creatures_of_different_names(creatures: Cluster) -> None:
    (counts,) = creatures.query("SELECT count(*), count(DISTINCT name), max(number) FROM creature")
    assert counts == "800|800|800"


def test_the_expected_texts_are_those_of_the_rows(creatures: Cluster) -> None:
    rows = creatures.query("SELECT number || ' ' || name FROM creature ORDER BY number")
    assert rows == json.loads((FOLDER / "expected/creatures.json").read_text())


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM creature WHERE number = 7",
        "UPDATE creature SET speed = speed + 1 WHERE number = 7",
        "INSERT INTO creature SELECT 801, 'Extra', 'ash', NULL, 1, 1, 1, 1, 1, 1, 1, false",
        "DROP TABLE creature",
        "COMMENT ON TABLE creature IS 'an older version'",
    ],
)
def test_what_differs_is_repaired(creatures: Cluster, damage: str) -> None:
    rows = creatures.query("SELECT * FROM creature ORDER BY number")
    creatures.query(damage)
    assert creatures.load(DATASET) == "changed\n"
    assert creatures.query("SELECT * FROM creature ORDER BY number") == rows
    assert creatures.load(DATASET) == "unchanged\n"
