"""The steps of one run: start, ready, check, load, check again, stop, collect."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from testbed import files
from testbed.asked import answers
from testbed.errors import Interrupted, RunFailed, TestbedError
from testbed.host_roles import HostRole
from testbed.hosts import hosts, services, space
from testbed.hosts.daemon import Daemon
from testbed.hosts.failures import CommandFailed, HostUnreachable
from testbed.hosts.linkproof import PEER
from testbed.hosts.process import Process
from testbed.model.catalogue import CataloguedApp
from testbed.model.results import (
    HISTOGRAM_FILE,
    TIMELINE_FILE,
    AnswerCheck,
    OpenFiles,
    RunRecord,
    telemetry_file,
)
from testbed.model.tool_output import ToolOutput
from testbed.run import conditions, sampled, watched
from testbed.run.asking import Asker
from testbed.run.generating import GeneratorHangs, generate
from testbed.run.session import Session
from testbed.run.target import prepare
from testbed.run.upstream import OtherService
from testbed.tools import parse
from testbed.tools.generators import measured_from
from testbed.tools.table import GENERATORS
from testbed.tools.tool import OUTPUT, REQUESTS_FILE, SAMPLE_FILE, WARM_UP_OUTPUT
from testbed.validity import sql
from testbed.validity.upstream import ROWS_FILE

TELEMETRY_BYTES = files.LARGEST_BYTES  # enough for two days, at a row of about 400 bytes a second
BEFORE_THE_APP = ("prepare", "look around", "reset", "other service")  # stages of a run


class Steps:
    """Carries out the steps of one run, and adds to its record with each."""

    def __init__(
        self,
        session: Session,
        app: CataloguedApp,
        record: RunRecord,
        partial: Path,
        other: OtherService | None,
    ) -> None:
        self.session, self.app, self.record, self.partial = session, app, record, partial
        self.stage = BEFORE_THE_APP[0]
        self.load = record.load
        self.generator = GENERATORS[record.load.generator]
        self.daemon = Daemon(session.server, app)
        self.other = other
        self.generating = session.remotes[record.load.from_host]
        self.need = services.Need.of(session.catalogue, app.workload)
        self.parts = self.need.workload.parts(record.endpoint)
        self.askers = {
            part: Asker(
                self.generating,
                session.server,
                self.daemon,
                session.app_url,
                app.spec.endpoints[part],
                endpoint,
                self.need.folder,
                session.seed,
            )
            for part, endpoint in self.parts.items()
        }
        self.statements_seen: list[tuple[str, int]] | None = None
        self.services: dict[services.Service, services.Unit] = {}  # as the run found them
        self.telemetry: dict[HostRole, Process] = {}
        self.remote_folder = f"{session.inventory.facts.testbed_run}/{record.run_id}"

    def note(self, **facts: Any) -> None:
        """Set these fields of the record."""
        self.record = self.record.model_copy(update=facts)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Record how long the block takes; a failure within it is reported with this phase."""
        self.stage, begin = name, time.monotonic()
        try:
            yield
        finally:
            took_s = round(time.monotonic() - begin, 3)
            self.note(phases_s={**self.record.phases_s, name: took_s})

    def go(self) -> None:
        """Carry out all steps. Whatever was started is stopped, also after an error."""
        with ExitStack() as cleanup:
            try:
                self._steps(cleanup)
            except TestbedError as error:
                known = isinstance(error, HostUnreachable | Interrupted)
                if not known and (cause := self._around()) is not None:
                    raise cause from error
                raise
        with self.phase("collect"):
            output = self._parse()
            self.note(output=output)
            during = sampled.check(self.partial / "raw" / SAMPLE_FILE, self.askers)
            checks = [self._of_part(part, one) for part, one in during.items()]
            self.note(answers=[*self.record.answers, *checks])
            if self.statements_seen is not None:
                seen = sql.sorted_out(
                    self.statements_seen,
                    [one for endpoint in self.parts.values() for one in endpoint.sql],
                    self.app.spec.housekeeping_sql,
                    output.all_answered,
                )
                self.note(sql=seen)

    def _steps(self, cleanup: ExitStack) -> None:
        """Carry out the steps that need the hosts, and register in `cleanup` what undoes them."""
        progress = self.session.progress
        self._check_space(space.NEEDED_BYTES)
        for remote in self.session.remotes.values():
            remote.run(["mkdir", "-p", self.remote_folder])
        cleanup.callback(self._remove_remote_folders)
        with self.phase("look around"), progress.stage("look who else is there", 1):
            self.services = services.running(self.session.server, services.used(self.need))
            before = conditions.before(self.session.remotes)
            self.note(before=before)
            links = {role: one.link for role, one in before.items() if one.link}
            conditions.check_link(self.session, links)
        with self.phase("reset"):
            for service in self.services:
                service.put_back(self.session.server, self.need)
                self.note(**service.found(self.session.server, self.need))
        if self.other is not None:
            with self.phase("other service"), progress.stage("start the other service", 1):
                cleanup.callback(self.other.stop)
                self.other.start()
                self.note(upstream=self.other.record)
        with self.phase("start"), progress.stage("start", 1):
            cleanup.callback(self.daemon.stop)
            pid = self.daemon.start(self.record.settings, self.session.app_address)
            most_files = conditions.open_files(self.session.server, pid)
            self.note(main_pid=pid, open_files=OpenFiles(app=most_files, generator=None))
        with self.phase("ready"), progress.stage("wait until it answers", 1):
            answer = self._wait_ready()
        with self.phase("check"):
            found = self._check_before(answer)
        self.telemetry = self._start_telemetry(pid)
        cleanup.callback(self._collect, self.telemetry)
        self._load(found)
        with self.phase("check after"), progress.stage("check the answer again", 1):
            self._check_after()
        with self.phase("stop"):
            cleanup.close()

    def _around(self) -> TestbedError | None:
        """Return an error around the app that explains why the run failed; None without one."""
        try:
            self._check_space(space.FULL_BYTES)
            services.check_undisturbed(self.session.server, self.services)
            if self.other is not None:
                self.other.check()
        except TestbedError as cause:
            return cause
        return None

    def _check_space(self, least_bytes: int) -> None:
        space.check_here(self.partial, least_bytes)
        for remote in self.session.remotes.values():
            space.check_there(remote, remote.facts.testbed_run, least_bytes)

    def _check_telemetry(self) -> None:
        """Raise CommandFailed if the telemetry of a host ended before it was stopped."""
        for role, process in self.telemetry.items():
            if (code := process.poll()) is not None:
                host = self.session.remotes[role].host
                raise CommandFailed(host, "telemetry, during the run", code, process.output)

    def _wait_ready(self) -> answers.Answer:
        """Wait until the app answers, and return its first answer, which is to the first part."""
        return next(iter(self.askers.values())).wait_ready()

    def _check_before(self, first: answers.Answer) -> dict[str, answers.Answer]:
        """Return the answer to each part; `first` is the one that has come already.

        Raises RunFailed unless all answers are as expected; then no load is started.
        """
        found: dict[str, answers.Answer] = {}
        for part, asker in self.askers.items():
            found[part] = asker.wait_ready() if found else first
            checks = [self._of_part(part, check) for check in asker.check_before(found[part])]
            self.note(answers=[*self.record.answers, *checks])
            for check in checks:
                if not check.ok:
                    about = f" ({check.what})" if check.what else ""
                    raise RunFailed(
                        f"wrong answer from {asker.url}{asker.path}{about}: {check.problem}"
                    )
        return found

    def _check_after(self) -> None:
        """Check that everything is as it was before the load. Raises TestbedError if not."""
        self.note(unit=self.daemon.show(), link_after=conditions.link_now(self.session))
        conditions.check_link(self.session, self.record.link_after)
        after = [self._of_part(part, one.check_after()) for part, one in self.askers.items()]
        self.note(answers=[*self.record.answers, *after])
        services.check_undisturbed(self.session.server, self.services)
        if self.other is not None:
            self.other.check()
        self._check_telemetry()
        self._check_space(space.FULL_BYTES)  # a full disk may have cut off the run's files

    def _of_part(self, part: str, check: AnswerCheck) -> AnswerCheck:
        """Return the check. If the endpoint is a mix, the check names the part that was asked."""
        return check.model_copy(update={"part": part}) if self.record.weights else check

    def _start_telemetry(self, pid: int) -> dict[HostRole, Process]:
        processes: dict[HostRole, Process] = {}
        about = (self.app, pid, self.need, self.services)
        for role, remote in self.session.remotes.items():
            command = [
                f"{remote.facts.testbed_prefix}/bin/telemetry",
                "record",
                f"{self.remote_folder}/{telemetry_file(role)}",
                *hosts.link_options(remote, self.session.remotes[PEER[role]]),
                f"--interval={self.record.telemetry_interval_s:g}",
                *(watched.options(remote, *about) if role == "server" else []),
                *(self._asks() if role == "server" else []),
            ]
            processes[role] = remote.start(command)
        return processes

    def _asks(self) -> list[str]:
        """Return the option with which the server host's telemetry sees the other service asked."""
        return [] if self.other is None else [f"--asks=upstream={self.other.record.address}"]

    def _collect(self, telemetry: dict[HostRole, Process]) -> None:
        """Stop telemetry and fetch all files of the run, on both hosts at the same time."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._collect_from, telemetry.keys(), telemetry.values()))

    def _collect_from(self, role: HostRole, process: Process) -> None:
        process.stop()
        raw = self.partial / "raw"
        (raw / f"telemetry-{role}.log").write_text(process.output)
        expected = {telemetry_file(role): TELEMETRY_BYTES}
        if role == "client" and self.other is not None:
            self.other.stop()
            expected[ROWS_FILE] = TELEMETRY_BYTES
        if role == self.load.from_host:
            expected |= self.generator.leaves
        left = self.session.remotes[role].fetch(self.remote_folder, expected, raw)
        ours = ("body", REQUESTS_FILE, *self.generator.reads)
        if strange := [line for line in left if line.partition(":")[0] not in ours]:
            (raw / f"left-on-{role}.txt").write_text("\n".join(strange) + "\n")

    def _load(self, found: Mapping[str, answers.Answer]) -> None:
        load, progress = self.load, self.session.progress
        target = prepare(self.record, self.askers, found, self.remote_folder, self.partial / "raw")
        for name, text in self.generator.files(target).items():
            self.generating.write(f"{self.remote_folder}/{name}", text)
        cpus = self.session.generator_cpus
        inside_s = load.warmup_s if self.generator.warms_up_itself(load) else 0
        if load.warmup_s and not inside_s:
            warm_up = self.generator.warm_up(load, target, self.remote_folder, cpus)
            with self.phase("warm-up"), progress.stage("warm-up", load.warmup_s):
                self._generate(warm_up, WARM_UP_OUTPUT, load.warmup_s)
            # Requests of the warm-up that have no answer yet are still queued. A further request
            # is answered after them; with its answer the queue is empty and the load may begin
            with self.phase("drain"), progress.stage("wait until it has caught up", 1):
                self._wait_ready()
        for service in self.services:
            service.watch(self.session.server)
        command = self.generator.command(load, target, self.remote_folder, cpus)
        self.note(command=" ".join(command))
        with (
            self.phase("load"),
            progress.stage(f"load for {load.duration_s:g} s", load.duration_s + inside_s),
        ):
            self.note(measured_from=datetime.now(UTC) + timedelta(seconds=inside_s))
            self._generate(command, OUTPUT, load.duration_s + inside_s)
        for service in self.services:
            if (seen := service.seen(self.session.server)) is not None:
                self.statements_seen = seen
            if (logins := service.logins(self.session.server)) is not None:
                self.note(database_logins=logins)

    def _generate(self, command: list[str], output: str, expected_s: float) -> None:
        """Run the generator. If it hangs, ask the app: one that hangs, too, has failed the run."""
        path, hung = f"{self.remote_folder}/{output}", None
        try:
            generate(self.session, self.load, command, path, expected_s)
        except GeneratorHangs as error:
            hung = error
        if hung is not None:  # not amid that error, which would count as the first
            self._wait_ready()
            raise hung

    def _remove_remote_folders(self) -> None:
        for remote in self.session.remotes.values():
            remote.run(["rm", "-rf", self.remote_folder])

    def _parse(self) -> ToolOutput:
        """Return the figures that the generator printed, and move its files to their places.

        Raises Interrupted if the generator left no output.
        """
        raw = self.partial / "raw"
        for name in (
            *map(telemetry_file, self.telemetry),
            TIMELINE_FILE,
            HISTOGRAM_FILE,
            ROWS_FILE,
        ):
            if (raw / name).exists():
                (raw / name).rename(self.partial / name)
        path = raw / self.generator.output
        if not path.is_file():
            raise Interrupted(f"the generator left no {path.name}")
        text = path.read_text(errors="replace")
        output = parse(text, self.load.generator)
        told = measured_from(text, self.load, self.record.before[self.load.from_host])
        self.note(measured_from=told or self.record.measured_from)
        return output
