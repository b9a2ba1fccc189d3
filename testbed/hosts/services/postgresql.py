"""PostgreSQL: put its data back, and read its settings and the apps' SQL.

It is asked as the testbed's own user.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from testbed.asked import catalogue, database_connections
from testbed.errors import Exit, TestbedError
from testbed.hosts import causes, hosts
from testbed.hosts.failures import CommandFailed
from testbed.hosts.remote import Remote, ask
from testbed.hosts.services.service import Need, Service, Statements
from testbed.model.catalogue import CataloguedApp
from testbed.model.database import LOGINS
from testbed.model.experiment import PlannedRun
from testbed.validity import sql

T = TypeVar("T")

# Settings that are not built-in defaults, as current_setting() writes them.
_SETTINGS = (
    "select json_object_agg(name, current_setting(name)) from pg_settings"
    " where source not in ('default', 'override', 'client', 'session')"
)
# Statements of the apps' roles only, of which each way to log in has one: the testbed itself uses
# another role.
_SEEN = (
    "select coalesce(json_agg(json_build_array(query, calls)), '[]') from ("
    " select query, sum(calls) as calls from pg_stat_statements s join pg_roles r on r.oid = userid"
    " where r.rolname ~ ('^' || current_database() || '(_md5)?(_unix)?$')"
    " group by query order by 2 desc, 1) as statements"
)
_LOGINS = (
    "select coalesce(json_object_agg(suffix, calls), '{}') from ("
    " select substr(r.rolname, 1 + length(current_database())) as suffix, sum(calls) as calls"
    " from pg_stat_statements s join pg_roles r on r.oid = userid"
    " where r.rolname ~ ('^' || current_database() || '(_md5)?(_unix)?$')"
    " group by 1) as roles"
)
# This function (roles/postgresql) lets the testbed count rows without the right to read them.
_ROWS = "select public.testbed_rows()"
# What roles/postgresql notes on each database.
_MARK = (
    "select to_json(coalesce((select shobj_description(oid, 'pg_database') from pg_database"
    " where datname = '{}'), ''))"
)


class PostgreSql(Service):
    """PostgreSQL on the server host."""

    name = "postgresql"
    title = "PostgreSQL"
    counts_sql = True
    unit = "postgresql@*.service"  # Debian has a unit for each cluster and version

    def check_deployed(self, server: Remote, need: Need) -> None:
        """Raise TestbedError unless the host has the workload's SQL files as they are here."""
        if need.workload.dataset is not None:
            self._check_data(server, need, need.workload.dataset)
        if need.workload.reset is None:
            return
        show = ["systemctl", "show", "-P", "LoadState", _reset_unit(need)]
        if server.run(show).stdout.strip() != "loaded":
            path = need.folder / need.workload.reset
            raise TestbedError(
                f"server host: the file that puts data back differs from {path}, or is not there",
                remedy=causes.PROVISION,
                exit_code=Exit.NOT_READY,
            )

    def _check_data(self, server: Remote, need: Need, dataset: str) -> None:
        database = server.facts.database_of(need.name)
        mark = _ask(server, "its data sets", _MARK.format(database), str)
        if mark != f"testbed: data set {sql.short_digest(need.folder, dataset)}":
            raise TestbedError(
                f"server host: its data set is not that of {need.folder / dataset}, or was not "
                "loaded to its end",
                remedy=causes.PROVISION,
                exit_code=Exit.NOT_READY,
            )

    def for_campaign(
        self, server: Remote, planned: Sequence[PlannedRun], apps: Mapping[str, CataloguedApp]
    ) -> Mapping[str, Any]:
        """Return its settings. Raises TestbedError if apps could open too many connections."""
        found = settings(server)
        database_connections.check(planned, apps, found)
        return {"postgresql": found}

    def put_back(self, server: Remote, need: Need) -> None:
        """Run the workload's reset file. Raises TestbedError with psql's message if that fails."""
        if need.workload.reset is None:
            return
        unit = _reset_unit(need)
        try:
            server.run(["sudo", "-n", "systemctl", "start", unit])
        except CommandFailed as error:
            path = need.folder / need.workload.reset
            raise TestbedError(
                f"{path}: PostgreSQL refuses it: {_last_words(server, unit) or error.output}",
                remedy="if the data set is not there: run `ansible-playbook site.yml`",
                exit_code=Exit.RUN_FAILED,
            ) from error

    def found(self, server: Remote, need: Need) -> Mapping[str, Any]:
        """Return its settings, and the number of rows in each table of the workload's database."""
        database = server.facts.database_of(need.name)
        counted = _ask(server, "the number of rows", _ROWS, dict[str, int], database)
        return {"rows": counted, "postgresql": settings(server)}

    def watch(self, server: Remote) -> None:
        """Let it count statements from zero."""
        question = "select to_json(pg_stat_statements_reset()::text)"
        _ask(server, "a fresh count of statements", question, str)

    def seen(self, server: Remote) -> Statements:
        """Return the apps' statements since then, as pg_stat_statements has them, with calls."""
        return _ask(server, "the statements that it saw", _SEEN, Statements)

    def logins(self, server: Remote) -> dict[str, int]:
        """Return how the app had logged in, which the roles of its statements tell, with calls."""
        calls = _ask(server, "how the app had logged in", _LOGINS, dict[str, int])
        return {str(one): calls[one.suffix] for one in LOGINS if one.suffix in calls}

    def telemetry_options(self, server: Remote, need: Need) -> list[str]:
        """Return the option that names the database whose connections telemetry counts."""
        return [f"--database={server.facts.database_of(need.name)}"]


def settings(server: Remote) -> dict[str, str]:
    """Return every setting that is not its built-in default."""
    return _ask(server, "its settings", _SETTINGS, dict[str, str])


def _reset_unit(need: Need) -> str:
    return catalogue.reset_unit(need.name, need.folder, need.workload.reset or "")


def _last_words(server: Remote, unit: str) -> str:
    """Return what psql printed when the unit was last started."""
    lines = hosts.journal(server, unit, awaited=("psql:",)).splitlines()
    return "; ".join(line for line in lines if line.startswith("psql"))


def _ask(server: Remote, what: str, query: str, shape: type[T], database: str | None = None) -> T:
    """Return a query's only JSON value. `what` says in words what is asked for.

    Raises TestbedError, with PostgreSQL's own message, if the query has no such value.
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
