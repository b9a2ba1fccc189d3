"""Check that PostgreSQL has room for all connections that apps open in an experiment.

All functions are pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from testbed.errors import TestbedError
from testbed.model.catalogue import App, CataloguedApp, DatabaseConnections
from testbed.model.experiment import PlannedRun

DEFAULT_MAX = 100  # PostgreSQL's default for max_connections
RESERVE = 10  # for superusers (3), bench, telemetry, and connections that are just closing


def needed(app: App, settings: Mapping[str, Any], requests: int) -> int:
    """Return the largest number of connections that the app opens with these settings.

    `requests` is the largest number of requests under way at once; each takes one connection.
    """
    workers = app.workers_of(settings) or 1
    if (rule := _rule_of(app, settings)) is None:
        return workers * app.database_connections_per_worker
    return min(_counted(name, workers, settings, requests) for name in rule.per_worker)


def of_worker(app: App, settings: Mapping[str, Any]) -> int | None:
    """Return how many connections a worker's pool has at most; None if no rule tells of a pool.

    Return 0 if the worker has no more threads than connections, or threads and no pool: each thread
    has a connection of its own then, and no request waits in the worker for another's.
    """
    if (rule := _rule_of(app, settings)) is None:
        return None
    told = [name for name in rule.per_worker if name != "requests"]
    counts = {name: _counted(name, 1, settings, 0) for name in told}
    threads = counts.pop("threads", None)
    pool = min(counts.values(), default=None)
    if threads is not None and (threads <= pool if pool else "requests" not in rule.per_worker):
        return 0
    return pool


def threads(app: App, settings: Mapping[str, Any]) -> int | None:
    """Return how many threads all workers have, if the rule of these settings counts them."""
    rule = _rule_of(app, settings)
    if rule is None or "threads" not in rule.per_worker:
        return None
    return _counted("threads", app.workers_of(settings) or 1, settings, 0)


def _rule_of(app: App, settings: Mapping[str, Any]) -> DatabaseConnections | None:
    """Return the app's first rule that holds with these settings; None if none does."""
    for rule in app.database_connections:
        if all(settings.get(name) == value for name, value in rule.when.items()):
            return rule
    return None


def _counted(name: int | str, workers: int, settings: Mapping[str, Any], requests: int) -> int:
    if name == "requests":
        return requests
    return workers * int(name if isinstance(name, int) else settings[name])


def check(
    runs: Iterable[PlannedRun], apps: Mapping[str, CataloguedApp], postgresql: Mapping[str, str]
) -> None:
    """Raise TestbedError, which names the run, if its app could be refused a connection.

    `postgresql` maps the settings that are not defaults to their values, as read back.
    """
    most = int(postgresql.get("max_connections", DEFAULT_MAX))
    for run in runs:
        app = apps[run.app].spec
        wanted = needed(app, run.settings, run.load.connections)
        if wanted > most - RESERVE:
            workers = app.workers_of(run.settings) or 1
            raise TestbedError(
                f"{run.app}, variant '{run.variant}': its {workers} workers "
                f"may open {wanted} database connections; PostgreSQL takes {most}, "
                f"{RESERVE} of them not for apps",
                remedy="fewer workers or a smaller pool; or set postgresql_app_connections to "
                f"{wanted} in the inventory and run `ansible-playbook site.yml`",
            )
