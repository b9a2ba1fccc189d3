"""What the running PostgreSQL says of itself and of the apps' SQL, asked as the testbed's user."""

from typing import TypeVar

from testbed import causes
from testbed.errors import Exit, TestbedError
from testbed.remote import CommandFailed, Remote, ask

T = TypeVar("T")

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
    return _ask(server, "its settings", _SETTINGS, dict[str, str])


def forget_statements(server: Remote) -> None:
    """Let PostgreSQL count statements anew."""
    question = "select to_json(pg_stat_statements_reset()::text)"
    _ask(server, "a fresh count of statements", question, str)


def statements(server: Remote) -> list[tuple[str, int]]:
    """Statements of the apps since then, as pg_stat_statements normalises them, with calls."""
    return _ask(server, "the statements that it saw", _SEEN, list[tuple[str, int]])


def rows(server: Remote, database: str) -> dict[str, int]:
    """How many rows each table of a workload's database has, counted."""
    return _ask(server, "the number of rows", _ROWS, dict[str, int], database)


def _ask(server: Remote, what: str, query: str, shape: type[T], database: str | None = None) -> T:
    """A query's one JSON value. Raises TestbedError, with PostgreSQL's own words, if it has none.

    `what` is asked for, in words.
    """
    command = ["psql", "-X", "-A", "-t", "-d", database or server.facts.testbed_database]
    command += ["-c", query]
    try:
        return ask(server, command, shape)
    except CommandFailed as error:
        raise TestbedError(
            f"server host: PostgreSQL, asked for {what}: {causes.last_word(error.output)}",
            remedy=error.remedy or causes.PROVISION,
            exit_code=Exit.NOT_READY,
        ) from error
