"""What the tests of the apps share: each workload's database, and apps that run."""

import contextlib
import functools
import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from tests.unit.apps import cluster, redis_server, serving, upstream_server
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import APPS, CATALOGUE, DatabaseOf, DefaultApp, RunningApp, Serve


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A PostgreSQL cluster of the tests' own."""
    with cluster.running() as running:
        yield running


@pytest.fixture(scope="session")
def database_of(postgresql: Cluster) -> DatabaseOf:
    """database_of('agents') is the workload's database, with its data set."""

    @functools.cache
    def make(workload: str) -> Cluster:
        database = postgresql.create(workload)
        dataset = CATALOGUE.workload(workload).dataset
        if dataset is not None:
            assert database.load(CATALOGUE.folders[workload] / dataset) == "changed\n"
        return database

    return make


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of the tests' own."""
    with redis_server.running() as url:
        yield url


@pytest.fixture(scope="session")
def upstream_url() -> Iterator[str]:
    """The other service, which answers at once."""
    with upstream_server.running() as url:
        yield url


@pytest.fixture(scope="session")
def run_app(
    database_of: DatabaseOf,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Serve:
    """run_app('agents/django', threads=4) runs an app, with one worker, for a with block."""
    logs = tmp_path_factory.mktemp("logs")
    number = itertools.count()

    def run(key: str, **settings: str | int) -> AbstractContextManager[RunningApp]:
        app = APPS[key]
        label = f"{app.name}-{next(number)}"
        services = {}
        needed = CATALOGUE.workload(app.workload).services
        if "redis" in needed:
            services["REDIS_URL"] = request.getfixturevalue("redis_url")
        if "upstream" in needed:
            services["UPSTREAM_URL"] = request.getfixturevalue("upstream_url")
        if "postgresql" in needed:
            url = database_of(app.workload).url
            services["DATABASE_URL"] = f"{url}?application_name={label}"
        return serving.serving(app, services, logs / label, **settings)

    return run


@pytest.fixture(scope="session")
def default_app(run_app: Serve) -> Iterator[DefaultApp]:
    """default_app('agents/django') has its default settings but for two workers, and stays."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def start(key: str) -> RunningApp:
            workers = {"workers": 2} if "workers" in APPS[key].spec.settings else {}
            return stack.enter_context(run_app(key, **workers))

        yield start
