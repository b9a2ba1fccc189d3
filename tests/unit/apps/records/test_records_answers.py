"""What the records apps answer beyond what every workload's tests ask of its apps."""

import json

import pytest
from bs4 import BeautifulSoup

from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE, RunningApp

APPS = list(CATALOGUE.apps_of("records"))
EXPECTED = json.loads((CATALOGUE.folders["records"] / "expected/cells.json").read_text())
COLUMNS = 8

# The article's question in words that no app uses: every part of it by itself.
PAGE = """
SELECT json_agg(cell ORDER BY updated DESC, id DESC, number) FROM (
    SELECT r.id, r.updated, cells.*
    FROM record r,
    LATERAL unnest(ARRAY[
        r.id::text,
        r.label,
        r.status,
        to_char(r.updated AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
        (SELECT username || ' (' || id || ')' FROM auth_user WHERE id = r.auth_user_id),
        array_to_string(
            ARRAY(SELECT tag FROM tag WHERE kind = 'rec' AND kind_id = r.id ORDER BY tag), ' '
        ),
        (SELECT count(*)::text FROM record WHERE parent_id = r.id AND status = 'new'),
        trim(r.content)
    ]) WITH ORDINALITY AS cells (cell, number)
    WHERE r.id IN (
        SELECT id FROM record WHERE parent_id IS NULL AND status = 'new'
        ORDER BY updated DESC, id DESC FETCH FIRST 10 ROWS ONLY
    )
) AS page
"""


def test_the_expected_rows_are_those_of_the_article_s_question(database: Cluster) -> None:
    assert json.loads("".join(database.query(PAGE))) == EXPECTED
    total = "SELECT count(*) FROM record WHERE parent_id IS NULL AND status = 'new'"
    assert database.query(total) == ["500"]


def test_the_expected_rows_show_all_that_apps_may_do_differently() -> None:
    rows = [EXPECTED[i : i + COLUMNS] for i in range(0, len(EXPECTED), COLUMNS)]
    updated, tags, parts = ([row[column] for row in rows] for column in (3, 5, 6))
    assert len(rows) == 10
    assert len(set(updated)) < 10  # the tie-breaker breaks a tie
    assert "" in tags  # no tag at all, of which array_agg makes {NULL}
    assert max(len(one.split()) for one in tags) > 2
    assert len(set(parts)) > 1
    assert any("&" in row[1] for row in rows)  # what a template has to escape


def test_all_apps_send_the_same_page(defaults: dict[str, RunningApp]) -> None:
    pages = {app: running.get("/records").body for app, running in defaults.items()}
    assert all(b"Offer &amp; terms" in page for page in pages.values())
    assert len({page.rstrip() for page in pages.values()}) == 1  # Jinja drops the last line's end


@pytest.mark.parametrize("app", APPS)
def test_a_list_without_records_has_a_total_of_0(
    defaults: dict[str, RunningApp], database: Cluster, app: str
) -> None:
    database.query("UPDATE record SET status = 'none' WHERE status = 'new'")
    try:
        page = BeautifulSoup(defaults[app].get("/records").body, "html.parser")
        assert page.select_one("#total").text == "0 in all"  # type: ignore[union-attr]
        assert page.select("tbody tr") == []
    finally:
        database.query("UPDATE record SET status = 'new' WHERE status = 'none'")
        database.query("VACUUM FULL ANALYZE record")
