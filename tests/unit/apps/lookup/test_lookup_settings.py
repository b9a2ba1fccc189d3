"""What the settings of the lookup apps do."""

from pathlib import Path

import pytest

from tests.unit.apps.cluster import Cluster
from tests.unit.apps.observing import assert_closes, assert_keeps, assert_refused
from tests.unit.apps.serving import APPS, Serve

LOOKUP = {app.name: app for app in APPS.values() if app.workload == "lookup"}
QUICK = "SELECT id, name, amount FROM entry WHERE id = $1"
SLOW = "SELECT id, name, amount FROM entry, pg_sleep($1) WHERE id = $2"


@pytest.mark.parametrize("app", LOOKUP)
def test_a_slow_query_is_another_statement_with_the_same_answer(
    serve: Serve, entries: Cluster, app: str
) -> None:
    answers = []
    for slow_ms, statement in ((0, QUICK), (1, SLOW)):
        with serve(app, slow_ms=slow_ms) as running:
            running.get("/rows/7")
            entries.forget_statements()
            answers.append(running.get("/rows/7").body)
            assert entries.statements() == [(statement, 1)]
            assert running.get("/rows/1001").status == 404
    assert answers[0] == answers[1]


@pytest.mark.parametrize("app", LOOKUP)
def test_keepalive_s(serve: Serve, app: str) -> None:
    threads = {"worker_class": "gthread", "threads": 4} if app in ("flask", "falcon") else {}
    with serve(app, keepalive_s=0, **threads) as running:
        assert_closes(running, "/rows/7")
    with serve(app, **threads) as running:
        assert_keeps(running, "/rows/7")


@pytest.mark.parametrize("app", LOOKUP)
@pytest.mark.parametrize("setting", ["proxy", "pooler", "database_access"])
def test_a_value_that_is_not_known_ends_the_app_and_is_named(
    entries: Cluster, tmp_path: Path, app: str, setting: str
) -> None:
    services = {"DATABASE_URL": entries.url}
    assert_refused(LOOKUP[app], services, tmp_path / "log", **{setting: "telepathy"})


@pytest.mark.parametrize(
    ("app", "settings"),
    [
        ("flask", {"worker_class": "gthread", "threads": 4}),
        ("falcon", {"worker_class": "gevent"}),
        ("starlette", {"database_access": "connection_per_request"}),
        ("aiohttp", {"database_access": "connection_per_request"}),
    ],
)
def test_each_server_answers_and_ends_in_order(
    serve: Serve, app: str, settings: dict[str, str | int]
) -> None:
    with serve(app, **settings) as running:
        assert running.get("/rows/7").status == 200
        running.stop()
        assert "Traceback" not in running.log()
