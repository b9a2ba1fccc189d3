"""Try apps before any load: start each once, ask each endpoint, look at its SQL, and stop it.

It takes the same steps as a run does before its load, with the apps' default settings.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from testbed.asked.catalogue import Catalogue
from testbed.errors import Interrupted, TestbedError
from testbed.hosts import ports, services
from testbed.hosts.daemon import AppFailed, Daemon
from testbed.hosts.failures import HostUnreachable
from testbed.hosts.remotes import Remotes
from testbed.hosts.services import Service
from testbed.model.catalogue import CataloguedApp
from testbed.model.results import AnswerCheck
from testbed.model.upstream import Upstream
from testbed.progress import Progress
from testbed.run.asking import Asker
from testbed.run.upstream import OtherService
from testbed.validity import sql

# A worker's first request may open connections, whose SQL no later request sends. So an endpoint is
# asked again until its SQL is as declared; more workers than this are not waited for
MOST_ASKS = 20

SEED = 1  # of what is drawn for requests
NOTHING = "-"  # was found out
Level = Literal["ok", "note", "fail"]


@dataclass(frozen=True)
class Tried:
    """What was found of an endpoint of an app, or of the app itself where `endpoint` is empty."""

    app: str  # workload/app
    endpoint: str
    answer: str
    sql: str
    remark: str
    level: Level


def each(
    remotes: Remotes, catalogue: Catalogue, apps: Sequence[CataloguedApp], progress: Progress
) -> Iterator[Tried]:
    """Yield what is found of each app, one after the other. Whatever was started is stopped.

    What an app does wrong is among the findings. Raises HostUnreachable, Interrupted for a fault
    around the apps, and TestbedError if a service does not run.
    """
    for app in apps:
        with progress.stage(f"{app.workload}/{app.name}", 1):
            yield from _Trial(remotes, catalogue, app).go()


class _Trial:
    """One app that is tried."""

    def __init__(self, remotes: Remotes, catalogue: Catalogue, app: CataloguedApp) -> None:
        self.server, self.client, self.app = remotes["server"], remotes["client"], app
        self.name = f"{app.workload}/{app.name}"
        self.need = services.Need.of(catalogue, app.workload)
        self.services = services.used(self.need)
        self.daemon = Daemon(self.server, app)
        self.place = f"{self.server.host.bench_address}:{self.server.facts.testbed_app_port}"

    def go(self) -> Iterator[Tried]:
        """Yield what is found. The app is stopped at the end, also after an error."""
        services.running(self.server, self.services)
        try:
            with ExitStack() as cleanup:
                self.daemon.check_deployed()
                for service in self.services:
                    service.check_deployed(self.server, self.need)
                    service.put_back(self.server, self.need)
                self._start_other_service(cleanup)
                cleanup.callback(self.daemon.stop)
                self.daemon.start(self.app.defaults(), self.server.host.bench_address)
                yield from self._endpoints()
        except (HostUnreachable, Interrupted):
            raise
        except TestbedError as error:
            yield self._of("", NOTHING, NOTHING, str(error))

    def _start_other_service(self, cleanup: ExitStack) -> None:
        """Start the service that the workload asks, if any; it answers at once."""
        if "upstream" not in self.need.workload.services:
            return
        folder = f"{self.client.facts.testbed_run}/check"
        self.client.run(["mkdir", "-p", folder])
        cleanup.callback(self.client.run, ["rm", "-rf", folder])
        other = OtherService(
            {"server": self.server, "client": self.client}, Upstream(), SEED, folder
        )
        cleanup.callback(other.stop)
        other.start()

    def _endpoints(self) -> Iterator[Tried]:
        left = list(self.app.spec.endpoints)
        while left:
            name = left.pop(0)
            try:
                yield self._ask(name)
            except AppFailed as error:
                yield self._of(name, "none", NOTHING, error.message)
                for other in left:
                    yield self._of(other, "not asked", NOTHING, "")
                return
        everywhere = [place for place in self.daemon.listening() if ports.everywhere(place)]
        if everywhere:
            remark = (
                f"it listens on {', '.join(everywhere)}, so on the management network, too; "
                f"${{ADDRESS}}:${{PORT}} is {self.place}"
            )
            yield Tried(self.name, "", NOTHING, NOTHING, remark, "note")

    def _ask(self, endpoint: str) -> Tried:
        """Ask an endpoint what is asked before a load, and return what is found."""
        declared = self.need.workload.parts(endpoint)[endpoint]
        path = self.app.spec.endpoints[endpoint]
        asker = Asker(
            self.client, self.server, self.daemon, f"http://{self.place}", path, declared,
            self.need.folder, SEED,
        )  # fmt: skip
        checks = asker.check_before(asker.wait_ready())
        counted = [service for service in self.services if service.counts_sql]
        problems = self._sql_problems(asker, counted)
        return self._of(
            endpoint,
            _words(checks),
            NOTHING if not counted else "differs" if problems else "as declared",
            "\n".join([*map(_problem, checks), *problems]).strip(),
        )

    def _sql_problems(self, asker: Asker, counted: Sequence[Service]) -> list[str]:
        """Return how the SQL of one request differs from what is declared, a sentence for each.

        Return an empty list if it does not differ.
        """
        problems: list[str] = []
        for _ in range(MOST_ASKS if counted else 0):
            for service in counted:
                service.watch(self.server)
            asker.wait_ready()
            statements = [one for service in counted for one in service.seen(self.server) or []]
            declared, housekeeping = asker.endpoint.sql, self.app.spec.housekeeping_sql
            seen = sql.sorted_out(statements, declared, housekeeping, 1)
            problems = sql.problems_of_one(seen, declared)
            if not problems:
                break
        return problems

    def _of(self, endpoint: str, answer: str, statements: str, remark: str) -> Tried:
        level: Level = "fail" if remark or answer == "not asked" else "ok"
        return Tried(self.name, endpoint, answer, statements, remark, level)


def _words(checks: Sequence[AnswerCheck]) -> str:
    """Return in words what the first answer was, and how many of all were as expected."""
    first, *also = checks
    found = f"{first.status}, {first.body_bytes or 0:,} bytes"
    right = sum(check.ok for check in also)
    return f"{found}; {right} of {len(also)} others right" if also else found


def _problem(check: AnswerCheck) -> str:
    if check.ok:
        return ""
    return f"{check.what}: {check.problem}" if check.what else str(check.problem)
