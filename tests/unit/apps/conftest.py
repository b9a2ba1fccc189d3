"""What the tests of the apps share: a database with the data set, and apps that run."""

import contextlib
import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from tests.unit.apps import cluster, serving
from tests.unit.apps.cluster import Cluster
from tests.unit.apps.serving import AGENTS, WORKLOAD, RunningApp, Serve


@pytest.fixture(scope="session")
def database() -> Iterator[Cluster]:
    """A PostgreSQL cluster of the tests' own, with the workload's data set."""
    with cluster.running() as running:
        assert running.load(WORKLOAD / "dataset.sql") == "changed\n"
        yield running


@pytest.fixture(scope="session")
def serve(database: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """serve('django', worker_class='gthread') runs an app, with one worker, for a with block."""
    logs = tmp_path_factory.mktemp("logs")
    number = itertools.count()

    def serve_app(name: str, **settings: str | int) -> AbstractContextManager[RunningApp]:
        label = f"{name}-{next(number)}"
        url = f"{database.url}?application_name={label}"
        return serving.serving(AGENTS[name], url, logs / label, **settings)

    return serve_app


@pytest.fixture(scope="session")
def defaults(serve: Serve) -> Iterator[dict[str, RunningApp]]:
    """All apps with their default settings but for two workers, at the same time."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(serve(name, workers=2)) for name in AGENTS}
