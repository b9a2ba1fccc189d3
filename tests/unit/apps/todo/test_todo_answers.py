"""What the todo apps do beyond what every workload's tests ask of its apps."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.apps import redis_server
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import CATALOGUE, RunningApp

TODO = CATALOGUE.apps_of("todo")
SENT = [one.send for one in CATALOGUE.workload("todo").endpoints["add"].also if one.send]
VIEWS = re.compile(r'(?<=<strong id="counter">)\d+(?=</strong>)')


def page(running: RunningApp) -> str:
    """The page with all items."""
    return running.get("/").body.decode()


def views(text: str) -> int:
    """How often the page says it has been viewed."""
    (found,) = VIEWS.findall(text)
    return int(found)


def add(running: RunningApp, **fields: object) -> int:
    """Send an item; the answer's status."""
    return running.ask("POST", "/add", json.dumps(fields).encode(), "application/json").status


def test_both_apps_render_one_template_and_check_by_one_schema() -> None:
    folders = [Path(app.folder) for app in TODO.values()]
    assert len(folders) == 2
    for name in ("home.html", "schemas.py"):
        copies = [path.read_bytes() for folder in folders for path in folder.rglob(name)]
        assert len(copies) == 2
        assert copies[0] == copies[1]


def test_both_apps_answer_the_same_page_but_for_the_counter(
    defaults: dict[str, RunningApp], fresh: Cluster
) -> None:
    pages = {VIEWS.sub("N", page(running)) for running in defaults.values()}
    assert len(pages) == 1


@pytest.mark.parametrize("app", TODO)
def test_the_page_is_about_as_large_as_the_article_s(
    defaults: dict[str, RunningApp], fresh: Cluster, app: str
) -> None:
    assert 1_500 <= len(defaults[app].get("/").body) <= 1_900


def test_the_counter_is_one_for_all_workers_and_apps_and_begins_at_nothing(
    defaults: dict[str, RunningApp], redis_url: str
) -> None:
    assert redis_server.command(redis_url, "flushall") == "OK"
    counts = [views(page(running)) for running in defaults.values() for _ in range(4)]
    assert counts == list(range(1, len(defaults) * 4 + 1))


@pytest.mark.parametrize("app", TODO)
def test_an_added_item_is_last_on_the_page_and_escaped(
    defaults: dict[str, RunningApp], fresh: Cluster, app: str
) -> None:
    assert add(defaults[app], text="<b>Buy</b> bread", date_posted="2017-01-15") == 201
    text = page(defaults[app])
    assert "&lt;b&gt;Buy&lt;/b&gt; bread" in text
    assert "<b>" not in text
    assert text.rindex("<time>") == text.index("<time>2017-01-15")
    assert fresh.query("SELECT id, text, date_posted FROM item WHERE id > 10") == [
        "11|<b>Buy</b> bread|2017-01-15"
    ]


@pytest.mark.parametrize("app", TODO)
def test_an_item_without_a_day_is_of_today(
    defaults: dict[str, RunningApp], fresh: Cluster, app: str
) -> None:
    before = datetime.now(UTC).date()
    assert add(defaults[app], text="Buy bread") == 201
    (day,) = fresh.query("SELECT date_posted FROM item WHERE id > 10")
    assert day in {str(before), str(before + timedelta(days=1))}


@pytest.mark.parametrize("app", TODO)
def test_what_is_refused_or_says_nothing_is_not_stored(
    defaults: dict[str, RunningApp], fresh: Cluster, app: str
) -> None:
    fresh.forget_statements()
    statuses = []
    for send in SENT:
        body = (CATALOGUE.folders["todo"] / send.file).read_bytes()
        answer = defaults[app].ask("POST", "/add", body, send.content_type)
        statuses += [answer.status] if answer.status != 201 else []
    assert sorted(statuses) == [204, *[400] * 7]
    stored = fresh.query("SELECT text, date_posted FROM item WHERE id > 10")
    assert stored == ["Buy bread|2017-01-15"]  # the one exchange that is not refused
    inserts = [calls for text, calls in fresh.statements() if text.startswith("INSERT")]
    assert inserts == [1]


@pytest.mark.parametrize("app", TODO)
def test_a_text_that_is_too_long_is_refused(
    defaults: dict[str, RunningApp], fresh: Cluster, app: str
) -> None:
    assert add(defaults[app], text="x" * 500) == 201
    assert add(defaults[app], text="x" * 501) == 400


@pytest.mark.parametrize("app", TODO)
@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("GET", "/add"), ("PUT", "/add")])
def test_other_methods_are_not_allowed(
    defaults: dict[str, RunningApp], app: str, method: str, path: str
) -> None:
    assert defaults[app].ask(method, path).status == 405


def test_a_reset_puts_back_rows_and_the_next_id_whatever_was_done(database: Cluster) -> None:
    folder = CATALOGUE.folders["todo"]
    database.query("DELETE FROM item WHERE id < 3; UPDATE item SET text = 'Nothing'")
    database.query("INSERT INTO item (text, date_posted) VALUES ('One', now()), ('Two', now())")
    database.reset(folder / "reset.sql")
    assert database.load(folder / "dataset.sql") == "unchanged\n"
    assert database.query("SELECT nextval(pg_get_serial_sequence('item', 'id'))") == ["11"]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM item WHERE id = 7",
        "UPDATE item_at_start SET text = 'Nothing' WHERE id = 7",
        "INSERT INTO item (text, date_posted) VALUES ('One more', now())",
        "DROP TABLE item",
        "COMMENT ON TABLE item_at_start IS 'an older version'",
    ],
)
def test_a_data_set_that_differs_is_repaired(database: Cluster, damage: str) -> None:
    dataset = CATALOGUE.folders["todo"] / "dataset.sql"
    database.query(damage)
    assert database.load(dataset) == "changed\n"
    assert database.load(dataset) == "unchanged\n"
    database.query("INSERT INTO item (text, date_posted) VALUES ('Eleventh', now())")
    assert database.query("SELECT max(id) FROM item") == ["11"]
    assert database.load(dataset) == "changed\n"
