"""One run: start, ready, check, load, check again, stop, collect. Leaves nothing running."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analysis.parsers import parse
from testbed import (
    answers,
    conditions,
    data,
    hosts,
    postgresql,
    results,
    seal,
    services,
    space,
    sql,
)
from testbed.asking import Asker
from testbed.daemon import Daemon
from testbed.errors import Interrupted, RunFailed, TestbedError
from testbed.generating import generate
from testbed.generators import ADAPTERS, LUA_FILE, Target, choose, measured_from
from testbed.model.catalogue import CataloguedApp, Service
from testbed.model.experiment import PlannedRun
from testbed.model.results import (
    Failure,
    HostRole,
    Load,
    OpenFiles,
    RunRecord,
)
from testbed.model.tool_output import ToolOutput
from testbed.remote import CommandFailed, HostUnreachable, Process
from testbed.session import Course, Session
from testbed.validity import Evidence, judge, worst
from testbed.validity.figures import drift_percent

LOOPBACK = "127.0.0.1"
TELEMETRY_BYTES = 64 * 2**20  # a row of about 400 bytes each interval: two days of seconds
BEFORE_THE_APP = ("prepare", "look around", "reset")  # stages of a run


def execute(session: Session, planned: PlannedRun) -> RunRecord:
    """Carry out one run and store it whole as `<folder>/<run id>/`.

    What the app failed in is part of the record (`failure`), and so is what happened around it,
    marked as interrupted: the campaign goes on. Raises Interrupted, after the record is stored,
    where the next run would meet the same; KeyboardInterrupt, after everything is stopped.
    """
    app = session.catalogue.apps_of(session.experiment.workload)[planned.app]
    load = choose(planned.load, set(session.generators))
    partial = session.folder / f"{results.PARTIAL}{planned.run_id}"
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "raw").mkdir(parents=True)
    final = session.folder / planned.run_id
    course = Course(
        started_at=datetime.now(UTC), earlier_failures=results.failures(final / seal.RECORD)
    )
    end: Interrupted | None = None
    try:
        _Runner(session, planned, app, load, course, partial).go()
    except TestbedError as error:
        first = conditions.link_fault(session, course.before) or _first(error)
        course.failure, end = _judged(first, course.stage)
    record = _record(session, planned, app, load, course, partial)
    record = record.model_copy(update={"files": seal.files_of(partial)})
    results.write(partial / seal.RECORD, record)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    if end is not None:
        raise end
    return record


def _first(error: TestbedError) -> TestbedError:
    """What went wrong first: stopping and collecting may have failed because of it."""
    while isinstance(error.__context__, TestbedError) and not error.__suppress_context__:
        error = error.__context__
    return error


def _judged(error: TestbedError, stage: str) -> tuple[Failure, Interrupted | None]:
    """What ended a run, as its record has it; and what ends the campaign, if it does.

    Only a RunFailed is what the app did. Before the app is started nothing is wrong but with the
    testbed, and the next run would meet it too; so it would with a host that is lost.
    """
    if isinstance(error, RunFailed):
        return Failure(stage=stage, message=str(error)), None
    failure = Failure(stage=stage, message=str(error), interrupted=True)
    asked_to_end = isinstance(error, Interrupted) and error.ends_campaign
    if asked_to_end or isinstance(error, HostUnreachable) or stage in BEFORE_THE_APP:
        return failure, Interrupted(error.message, remedy=error.remedy, ends_campaign=True)
    return failure, None


class _Runner:
    """The steps of one run."""

    def __init__(
        self,
        session: Session,
        planned: PlannedRun,
        app: CataloguedApp,
        load: Load,
        course: Course,
        partial: Path,
    ) -> None:
        self.session, self.planned, self.app = session, planned, app
        self.course, self.partial = course, partial
        self.load = load
        self.daemon = Daemon(session.server, app)
        self.generating = session.remote(load.from_host)
        self.workload = session.catalogue.workload(app.workload)
        self.workload_folder = session.catalogue.folders[app.workload]
        self.endpoint = self.workload.endpoints[planned.endpoint]
        self.url = url_of(session, app, planned.endpoint)
        self.asker = Asker(
            self.generating,
            session.server,
            self.daemon,
            self.url,
            self.endpoint,
            self.workload_folder,
        )
        self.statements_seen: list[tuple[str, int]] = []
        self.services: dict[Service, services.Unit] = {}  # as the run found them
        self.telemetry: dict[HostRole, Process] = {}
        self.remote_folder = f"{session.inventory.facts.testbed_run}/{planned.run_id}"

    def go(self) -> None:
        """All steps; whatever was started is stopped, however this ends."""
        course = self.course
        with ExitStack() as cleanup:
            try:
                self._steps(cleanup)
            except TestbedError as error:
                known = isinstance(error, HostUnreachable | Interrupted)
                if not known and (cause := self._around()) is not None:
                    raise cause from error
                raise
        with course.phase("collect"):
            course.output = self._parse()
            course.sql = sql.sorted_out(
                self.statements_seen,
                self.endpoint.sql,
                self.app.spec.housekeeping_sql,
                course.output.all_answered,
            )

    def _steps(self, cleanup: ExitStack) -> None:
        """All that hosts are needed for; what undoes it goes into `cleanup`."""
        course, progress = self.course, self.session.progress
        self._check_space(space.NEEDED_BYTES)
        for remote in (self.session.server, self.session.client):
            remote.run(["mkdir", "-p", self.remote_folder])
        cleanup.callback(self._remove_remote_folders)
        with course.phase("look around"), progress.stage("look who else is there", 1):
            self.services = services.running(self.session.server, self.workload.services)
            course.before = conditions.before(self.session.server, self.session.client)
            links = {role: one.link for role, one in course.before.items() if one.link}
            conditions.check_link(self.session, links)
        with course.phase("reset"):
            course.rows = data.put_back(
                self.session.server,
                self.app.workload,
                self.workload,
                self.workload_folder,
            )
            if "postgresql" in self.workload.services:
                course.postgresql = postgresql.settings(self.session.server)
        with course.phase("start"), progress.stage("start", 1):
            cleanup.callback(self.daemon.stop)
            pid = self.daemon.start(self.planned.settings, address_of(self.session))
            course.main_pid = pid
            course.app_open_files = conditions.open_files(self.session.server, pid)
        with course.phase("ready"), progress.stage("wait until it answers", 1):
            answer = self.asker.wait_ready()
        with course.phase("check"):
            self._check_before(answer)
        self.telemetry = self._start_telemetry(pid)
        cleanup.callback(self._collect, self.telemetry)
        self._load(answer)
        with course.phase("check after"), progress.stage("check the answer again", 1):
            course.unit = self.daemon.show()
            course.link_after = conditions.link_now(self.session)
            conditions.check_link(self.session, course.link_after)
            course.answers.append(self.asker.check_after())
            services.check_undisturbed(self.session.server, self.services)
            self._check_telemetry()
            self._check_space(space.FULL_BYTES)  # else what was to be written may be incomplete
        with course.phase("stop"):
            cleanup.close()

    def _around(self) -> TestbedError | None:
        """What happened around the app and explains that the run failed; None if nothing did."""
        try:
            self._check_space(space.FULL_BYTES)
            services.check_undisturbed(self.session.server, self.services)
        except TestbedError as cause:
            return cause
        return None

    def _check_space(self, least_bytes: int) -> None:
        space.check_here(self.partial, least_bytes)
        for remote in (self.session.server, self.session.client):
            space.check_there(remote, remote.facts.testbed_run, least_bytes)

    def _check_telemetry(self) -> None:
        """Raise CommandFailed if a host's telemetry ended before it was told to."""
        for role, process in self.telemetry.items():
            if (code := process.poll()) is not None:
                host = self.session.remote(role).host
                raise CommandFailed(host, "telemetry, during the run", code, process.output)

    def _check_before(self, answer: answers.Answer) -> None:
        """Raise RunFailed unless all are as expected: such an app is not worth a load."""
        checks = self.asker.check_before(answer)
        self.course.answers += checks
        for check in checks:
            if not check.ok:
                about = f" ({check.what})" if check.what else ""
                raise RunFailed(f"wrong answer from {self.url}{about}: {check.problem}")

    def _start_telemetry(self, pid: int) -> dict[HostRole, Process]:
        processes: dict[HostRole, Process] = {}
        server, client = self.session.server, self.session.client
        for remote, peer in ((server, client), (client, server)):
            role: HostRole = remote.host.role
            command = [
                f"{remote.facts.testbed_prefix}/bin/telemetry",
                "record",
                f"{self.remote_folder}/telemetry-{role}.csv",
                *hosts.link_options(remote, peer),
                f"--interval={self.session.experiment.telemetry_interval_s:g}",
                *([f"--pid={pid}", *self._database()] if role == "server" else []),
            ]
            processes[role] = remote.start(command)
        return processes

    def _database(self) -> list[str]:
        if "postgresql" not in self.workload.services:
            return []
        return [f"--database={self.session.server.facts.database_of(self.app.workload)}"]

    def _collect(self, telemetry: dict[HostRole, Process]) -> None:
        """Stop both hosts' telemetry and bring back all files of the run, at the same time."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._collect_from, telemetry.keys(), telemetry.values()))

    def _collect_from(self, role: HostRole, process: Process) -> None:
        process.stop()
        raw = self.partial / "raw"
        (raw / f"telemetry-{role}.log").write_text(process.output)
        expected = {f"telemetry-{role}.csv": TELEMETRY_BYTES}
        if role == self.load.from_host:
            expected |= ADAPTERS[self.load.generator].leaves
        left = self.session.remote(role).fetch(self.remote_folder, expected, raw)
        if strange := [line for line in left if line.partition(":")[0] not in ("body", LUA_FILE)]:
            (raw / f"left-on-{role}.txt").write_text("\n".join(strange) + "\n")

    def _load(self, answer: answers.Answer) -> None:
        load, progress = self.load, self.session.progress
        adapter = ADAPTERS[load.generator]
        target = self._target(answer)
        for name, text in adapter.files(target).items():
            self.generating.write(f"{self.remote_folder}/{name}", text)
        inside_s = load.warmup_s if adapter.warms_up_itself(load) else 0
        if load.warmup_s and not inside_s:
            warm_up = adapter.warm_up(load, target, self.remote_folder)
            with self.course.phase("warm-up"), progress.stage("warm-up", load.warmup_s):
                generate(self.session, load, warm_up, self._output("warm-up.txt"), load.warmup_s)
            # Requests that the warm-up left unanswered still queue; one more comes after them, and
            # its answer says that the load will not have to wait for them
            with self.course.phase("drain"), progress.stage("wait until it has caught up", 1):
                self.asker.wait_ready()
        postgresql.forget_statements(self.session.server)
        command = adapter.command(load, target, self.remote_folder, self.session.generator_cpus)
        self.course.command = " ".join(command)
        with (
            self.course.phase("load"),
            progress.stage(f"load for {load.duration_s:g} s", load.duration_s + inside_s),
        ):
            self.course.measured_from = datetime.now(UTC) + timedelta(seconds=inside_s)
            expected_s = load.duration_s + inside_s
            generate(self.session, load, command, self._output("generator.txt"), expected_s)
        self.statements_seen = postgresql.statements(self.session.server)

    def _target(self, answer: answers.Answer) -> Target:
        """What the generator is told; the body that it sends is put where it finds it."""
        varies, send = self.endpoint.expect.varies, self.endpoint.send
        body_file = None
        if send is not None:
            body_file = f"{self.remote_folder}/body"
            self.generating.write(body_file, answers.read_body(self.workload_folder, send))
        return Target(
            url=self.url,
            method=self.endpoint.method,
            answer_bytes=None if varies else len(answer.body),
            answer_sha256=None if varies else answer.sha256,
            content_type=send.content_type if send else None,
            body_file=body_file,
        )

    def _output(self, name: str) -> str:
        return f"{self.remote_folder}/{name}"

    def _remove_remote_folders(self) -> None:
        for remote in (self.session.server, self.session.client):
            remote.run(["rm", "-rf", self.remote_folder])

    def _parse(self) -> ToolOutput:
        """The generator's figures; its own files go where a run's folder has them."""
        raw = self.partial / "raw"
        for name in ("telemetry-server.csv", "telemetry-client.csv", "timeline.csv", "latency.hdr"):
            if (raw / name).exists():
                (raw / name).rename(self.partial / name)
        path = raw / ADAPTERS[self.load.generator].output
        if not path.is_file():
            raise Interrupted(f"the generator left no {path.name}")
        text = path.read_text(errors="replace")
        output = parse(text, self.load.generator)
        told = measured_from(text, self.load, self.course.before[self.load.from_host])
        self.course.measured_from = told or self.course.measured_from
        return output


def address_of(session: Session) -> str:
    """Where apps listen: loopback in a calibration, else the server's data link address."""
    return LOOPBACK if session.experiment.calibration else session.inventory.server.bench_address


def url_of(session: Session, app: CataloguedApp, endpoint: str) -> str:
    """The URL that a run loads."""
    port = session.inventory.facts.testbed_app_port
    return f"http://{address_of(session)}:{port}{app.spec.endpoints[endpoint]}"


def _record(
    session: Session,
    planned: PlannedRun,
    app: CataloguedApp,
    load: Load,
    course: Course,
    partial: Path,
) -> RunRecord:
    statements = session.catalogue.workload(app.workload).endpoints[planned.endpoint].sql
    open_files = OpenFiles(
        app=course.app_open_files, generator=conditions.generator_open_files(partial / "raw")
    )
    evidence = Evidence(
        load=load,
        output=course.output,
        answers=course.answers,
        sql=course.sql,
        statements=statements,
        unit=course.unit,
        failure=course.failure,
        link=session.link,
        folder=partial,
        before=course.before,
        link_after=course.link_after,
        open_files=open_files,
        rows=course.rows,
        first_rows=results.first_rows(session.folder),
        postgresql=course.postgresql,
        first_postgresql=session.postgresql,
        workers=session.workers.get((planned.endpoint, planned.variant), {}),
        unequal_workers=session.experiment.unequal_workers,
        telemetry_interval_s=session.experiment.telemetry_interval_s,
        main_pid=course.main_pid,
        measured_from=course.measured_from,
    )
    findings = judge(evidence)
    return RunRecord(
        schema_version=1,
        run_id=planned.run_id,
        campaign=session.campaign,
        workload=app.workload,
        app=app.name,
        app_title=app.spec.title,
        endpoint=planned.endpoint,
        variant=planned.variant,
        settings=planned.settings,
        trial=planned.trial,
        url=url_of(session, app, planned.endpoint),
        calibration=session.experiment.calibration,
        load=load,
        generator_version=session.generators[load.generator],
        command=course.command,
        started_at=course.started_at,
        ended_at=datetime.now(UTC),
        measured_from=course.measured_from,
        phases_s=course.phases_s,
        before=course.before,
        link_after=course.link_after,
        open_files=open_files,
        rows=course.rows,
        telemetry_interval_s=session.experiment.telemetry_interval_s,
        unit=course.unit,
        answers=course.answers,
        sql=course.sql,
        output=course.output,
        drift_percent=drift_percent(evidence),
        failure=course.failure,
        earlier_failures=course.earlier_failures,
        findings=findings,
        verdict=worst(findings),
    )
