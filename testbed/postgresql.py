"""What the running PostgreSQL says of itself and of the apps' SQL, asked as the testbed's user."""

import json
from typing import Any

from testbed.remote import Remote

# Settings that are not built-in defaults, as current_setting() words them.
_SETTINGS = (
    "select json_object_agg(name, current_setting(name)) from pg_settings"
    " where source not in ('default', 'override', 'client', 'session')"
)
# Statements of the apps' own role only: the testbed asks as another one.
_SEEN = (
    "select coalesce(json_agg(json_build_array(query, calls)), '[]') from ("
    " select query, sum(calls) as calls from pg_stat_statements s join pg_roles r on r.oid = userid"
    " where r.rolname = current_database() group by query order by 2 desc, 1) as statements"
)
# We may count rows by this function (roles/postgresql), and read none.
_ROWS = "select public.testbed_rows()"


def settings(server: Remote) -> dict[str, str]:
    """Every setting that is not its built-in default."""
    found: dict[str, str] = _ask(server, _SETTINGS)
    return found


def forget_statements(server: Remote) -> None:
    """Let PostgreSQL count statements anew."""
    _ask(server, "select to_json(pg_stat_statements_reset()::text)")


def statements(server: Remote) -> list[tuple[str, int]]:
    """Statements of the apps since then, as pg_stat_statements normalises them, with calls."""
    return [(query, int(calls)) for query, calls in _ask(server, _SEEN)]


def rows(server: Remote, database: str) -> dict[str, int]:
    """How many rows each table of a workload's database has, counted."""
    found: dict[str, int] = _ask(server, _ROWS, database)
    return found


def _ask(server: Remote, query: str, database: str | None = None) -> Any:
    """A query's one JSON value. Raises CommandFailed or HostUnreachable."""
    command = ["psql", "-X", "-A", "-t", "-d", database or server.facts.testbed_database]
    command += ["-c", query]
    return json.loads(server.run(command).stdout)
