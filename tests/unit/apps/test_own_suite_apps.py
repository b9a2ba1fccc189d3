"""A suite of one's own: a workload outside of apps/ and its three apps, one of them not Python."""

import contextlib
import json
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.asked import answers, catalogue, expectations, experiments, plan, request
from testbed.model.endpoint import Endpoint
from testbed.validity import sql
from tests.lab import page
from tests.unit.apps import serving
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import REPOSITORY, RunningApp

OWN = REPOSITORY / "tests" / "lab" / "own_suite"
FOLDER = OWN / "rows"
SECTION = page.section("own-app.md", "A suite, from nothing to a comparison")
CATALOGUE = catalogue.load(OWN)
WORKLOAD = CATALOGUE.workload("rows")
APPS = CATALOGUE.apps_of("rows")
ENDPOINTS = {
    name: endpoint
    for name, endpoint in WORKLOAD.endpoints.items()
    if isinstance(endpoint, Endpoint)
}
FROM_DATABASE = [name for name, endpoint in ENDPOINTS.items() if endpoint.sql]
# Where each app makes a row's second column, and the same with the first in its place
REPEATING = {
    "starlette": ("service.py", '"value": found["value"]', '"value": found["id"]'),
    "falcon": ("service.py", '"value": row[1]', '"value": row[0]'),
    "mojolicious": ("service.pl", "value => 0 + $row->[1]", "value => 0 + $row->[0]"),
}
SEED = 17  # of the values that are drawn
REQUESTS = 5


@pytest.fixture(scope="module")
def database(postgresql: Cluster) -> Cluster:
    """The workload's database, with its data set."""
    created = postgresql.create("rows")
    assert created.load(FOLDER / str(WORKLOAD.dataset)) == "changed\n"
    return created


@contextlib.contextmanager
def served(known: catalogue.Catalogue, name: str, url: str, log: Path) -> Iterator[RunningApp]:
    """Start an app of a catalogue as it is declared, but with one worker; SIGTERM must end it."""
    app = known.apps_of("rows")[name]
    path = app.spec.endpoints["plaintext"]

    def answers_one() -> bool:
        assert running.process.poll() is None, running.log()
        with contextlib.suppress(OSError):
            return running.get(path).status == 200
        return False

    with serving.starting(app, {"DATABASE_URL": url}, log) as running:
        serving.wait_until(answers_one, f"{name} answers", serving.START_PATIENCE_S)
        yield running
        running.process.terminate()
        # uvicorn's only process ends itself by the signal when it has closed everything
        assert running.process.wait(serving.PATIENCE_S) in (0, -signal.SIGTERM), running.log()


@pytest.fixture(scope="module", params=APPS)
def app(
    request: pytest.FixtureRequest, database: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, RunningApp]]:
    """Each app's name, and the app as it runs."""
    log = tmp_path_factory.mktemp("logs") / request.param
    with served(CATALOGUE, request.param, database.url, log) as running:
        yield request.param, running


def ask(running: RunningApp, path: str, asked: Endpoint, number: int) -> answers.Answer:
    """The answer to the endpoint's request of that number."""
    drawn = request.drawn(asked.draw, SEED, number)
    wanted = request.of(asked, path, FOLDER).filled(drawn)
    body = None if wanted.body is None else wanted.body.encode()
    got = running.ask(wanted.method, wanted.path, body, wanted.content_type or "")
    return answers.Answer(got.status, got.content_type, got.body, drawn=drawn)


def problem(running: RunningApp, path: str, asked: Endpoint) -> str | None:
    """What is wrong with as many answers as are compared before a load."""
    found = [ask(running, path, asked, number) for number in range(request.LEAST_ANSWERS)]
    return answers.compare_all(found, expectations.read(FOLDER, asked.expect), "before").problem


def test_every_app_serves_every_endpoint() -> None:
    assert set(APPS) == {"falcon", "mojolicious", "starlette"}
    for app in APPS.values():
        assert set(app.spec.endpoints) == set(ENDPOINTS), app.name
    assert WORKLOAD.weights("mixed").keys() == ENDPOINTS.keys()


@pytest.mark.parametrize("shown", ["suite.yml", "rows/mojolicious/app.yml"])
def test_the_guide_shows_the_files_as_they_are(shown: str) -> None:
    assert (OWN / shown).read_text() in SECTION


def test_the_guide_shows_the_workload_s_endpoints_as_they_are() -> None:
    shown = [text for text in re.findall(r"(?s)```yaml\n(.*?)```", SECTION) if text[0] == " "]
    assert len(shown) == 2
    for text in shown:
        assert text in (FOLDER / "workload.yml").read_text()


def test_the_guide_s_experiment_is_a_fair_one() -> None:
    runs = plan.plan(experiments.load(OWN / "suite.yml"), CATALOGUE, seed=1)
    asked = {(run.app, run.endpoint) for run in runs}
    assert asked == {(app, name) for app in APPS for name in WORKLOAD.endpoints}
    assert plan.workers(runs, APPS) == {
        (name, "two_workers"): dict.fromkeys(APPS, 2) for name in WORKLOAD.endpoints
    }


@pytest.mark.parametrize("name", ENDPOINTS)
def test_answers_are_as_declared(app: tuple[str, RunningApp], name: str) -> None:
    key, running = app
    path, endpoint = APPS[key].spec.endpoints[name], ENDPOINTS[name]
    assert problem(running, path, endpoint) is None
    for one in endpoint.also:
        assert problem(running, path, endpoint.exchange(one)) is None, one.description


@pytest.mark.parametrize("name", FROM_DATABASE)
def test_statements_are_as_declared(
    app: tuple[str, RunningApp], database: Cluster, name: str
) -> None:
    key, running = app
    path, endpoint = APPS[key].spec.endpoints[name], ENDPOINTS[name]
    ask(running, path, endpoint, 0)  # opens connections
    database.forget_statements()
    for number in range(REQUESTS):
        ask(running, path, endpoint, number)
    housekeeping = APPS[key].spec.housekeeping_sql
    seen = sql.sorted_out(database.statements(), endpoint.sql, housekeeping, REQUESTS)
    assert [one.text for one in seen if one.kind == "unexpected"] == []
    for statement in endpoint.sql:
        texts = [sql.collapsed(text) for text in statement.texts]
        calls = sum(one.calls for one in seen if one.text in texts)
        assert calls / REQUESTS == statement.calls_per_request, statement


def test_housekeeping_that_is_declared_is_also_seen(database: Cluster, tmp_path: Path) -> None:
    for name in APPS:
        database.forget_statements()
        with served(CATALOGUE, name, database.url, tmp_path / name) as running:
            ask(running, APPS[name].spec.endpoints["page"], ENDPOINTS["page"], 0)
        seen = sql.sorted_out(
            database.statements(), ENDPOINTS["page"].sql, APPS[name].spec.housekeeping_sql, 1
        )
        kinds = {one.kind for one in seen}
        assert "unexpected" not in kinds, name
        assert ("housekeeping" in kinds) == bool(APPS[name].spec.housekeeping_sql), name


def test_changes_are_kept_and_a_reset_undoes_them(
    app: tuple[str, RunningApp], database: Cluster
) -> None:
    key, running = app
    database.reset(FOLDER / str(WORKLOAD.reset))
    got = ask(running, APPS[key].spec.endpoints["updates"], ENDPOINTS["updates"], 0)
    for row in json.loads(got.body):
        (value,) = database.query(f"SELECT value FROM reading WHERE id = {row['id']:d}")  # noqa: S608
        assert int(value) == row["value"]
    database.reset(FOLDER / str(WORKLOAD.reset))
    assert database.load(FOLDER / str(WORKLOAD.dataset)) == "unchanged\n"


def test_several_rows_are_drawn_anew(app: tuple[str, RunningApp]) -> None:
    key, running = app
    path = APPS[key].spec.endpoints["rows"]
    found = [ask(running, path, ENDPOINTS["rows"], number).body for number in range(REQUESTS)]
    assert len(set(found)) == REQUESTS  # two alike: less than once in 10 ** 22


@pytest.mark.parametrize("name", APPS)
def test_a_second_column_that_repeats_the_first_is_found(
    database: Cluster, tmp_path: Path, name: str
) -> None:
    shutil.copytree(FOLDER, tmp_path / "own" / "rows")
    file, right, wrong = REPEATING[name]
    code = tmp_path / "own" / "rows" / name / file
    text = code.read_text()
    assert text.count(right) == 1
    code.write_text(text.replace(right, wrong))
    changed = catalogue.load(tmp_path / "own")
    found = {}
    with served(changed, name, database.url, tmp_path / "log") as running:
        for endpoint in ENDPOINTS:
            path = APPS[name].spec.endpoints[endpoint]
            found[endpoint] = problem(running, path, ENDPOINTS[endpoint])
    # An update's answer has the values that it wrote, whatever it read
    of_rows = {"row": "each of 5 rows", "rows": "each of 50 rows"}
    assert found == dict.fromkeys(ENDPOINTS) | {
        endpoint: f"value repeats id in {rows}" for endpoint, rows in of_rows.items()
    }
