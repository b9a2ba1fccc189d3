"""Apps of one's own, outside of apps/: those that docs/own-app.md shows."""

import re
from pathlib import Path

import pytest

from testbed.asked import answers, catalogue, expectations, experiments, plan
from testbed.model.catalogue import App
from tests.unit.apps import serving
from tests.unit.apps.serving import REPOSITORY, DatabaseOf

OWN = REPOSITORY / "tests" / "lab" / "own_apps"
GUIDE = (REPOSITORY / "docs" / "own-app.md").read_text()
CATALOGUE = catalogue.load(OWN)
WORKLOAD = CATALOGUE.workload("agents")


@pytest.mark.parametrize("shown", ["starlette/app.yml", "nginx/app.yml", "nginx/serve.sh"])
def test_the_guide_shows_the_files_as_they_are(shown: str) -> None:
    assert (OWN / "agents" / shown).read_text() in GUIDE


def test_the_guide_s_experiment_can_be_planned(tmp_path: Path) -> None:
    start = GUIDE.index("schema_version: 1\ntitle: How many workers?")
    file = tmp_path / "workers.yml"
    file.write_text(GUIDE[start : GUIDE.index("```", start)])
    runs = plan.plan(experiments.load(file), CATALOGUE, seed=1)
    assert {(run.app, run.variant, run.settings["workers"]) for run in runs} == {
        ("starlette", "few", 2),
        ("starlette", "many", 8),
    }


def test_the_guide_s_workload_is_one(tmp_path: Path) -> None:
    start = GUIDE.index("schema_version: 1\ntitle: Our shop")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "workload.yml").write_text(GUIDE[start : GUIDE.index("```", start)])
    for file in ("dataset.sql", "sent/order.json"):
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text("{}")
    assert set(catalogue.load(tmp_path).workload("shop").endpoints) == {"product", "order"}


def test_the_guide_s_experiment_compares_with_another_app_as_it_says(tmp_path: Path) -> None:
    start = GUIDE.index("schema_version: 1\ntitle: How many workers?")
    text = GUIDE[start : GUIDE.index("```", start)]
    file = tmp_path / "workers.yml"
    file.write_text(text.replace("apps: [starlette]", "apps: [starlette, flask]"))
    runs = plan.plan(experiments.load(file), CATALOGUE, seed=1)
    assert plan.workers(runs, CATALOGUE.apps_of("agents")) == {
        ("agents", "few"): {"starlette": 2, "flask": 2},
        ("agents", "many"): {"starlette": 8, "flask": 8},
    }


def test_the_guide_lists_every_key() -> None:
    table = GUIDE.partition("## All keys of app.yml")[2].partition("## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(App.model_fields)


def test_they_stand_beside_the_project_s() -> None:
    names = set(CATALOGUE.apps_of("agents"))
    assert names == {*serving.CATALOGUE.apps_of("agents"), "starlette", "nginx"}


def test_the_starlette_service_answers_as_the_workload_expects(
    database_of: DatabaseOf, tmp_path: Path
) -> None:
    app = CATALOGUE.apps_of("agents")["starlette"]
    url = {"DATABASE_URL": database_of("agents").url}
    with serving.starting(app, url, tmp_path / "log") as running:
        serving.wait_until(lambda: "Uvicorn running" in running.log(), "started")
        for name, path in app.spec.endpoints.items():
            expected = expectations.read(
                CATALOGUE.folders["agents"], WORKLOAD.endpoints[name].expect
            )
            got = running.get(path)
            found = answers.Answer(got.status, got.content_type, got.body, waited_s=0)
            assert answers.compare_all([found], expected, "before").problem is None


def test_nginx_serves_the_expected_document() -> None:
    served = OWN / "agents" / "nginx" / "static" / "index"
    assert served.read_text() == (CATALOGUE.folders["agents"] / "expected/index.json").read_text()
