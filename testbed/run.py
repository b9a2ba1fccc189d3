"""One run: start, ready, check, load, check again, stop, collect. Leaves nothing running."""

import shlex
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analysis.parsers import parse
from testbed import answers, conditions, data, postgresql, results, sql
from testbed.asking import Asker, read_body
from testbed.daemon import Daemon
from testbed.errors import Exit, TestbedError
from testbed.generators import ADAPTERS, Target, choose, measured_from
from testbed.model.catalogue import CataloguedApp
from testbed.model.experiment import PlannedRun
from testbed.model.results import (
    Failure,
    HostRole,
    Load,
    OpenFiles,
    RunRecord,
)
from testbed.model.tool_output import ToolOutput
from testbed.remote import HostUnreachable, Process
from testbed.session import Course, Session
from testbed.validity import Evidence, judge, worst
from testbed.validity.figures import drift_percent

LOAD_GRACE_S = 30  # beyond the load's own duration and time-out, before it counts as hung
ALIVE_EVERY_S = 10  # how often the server host is asked for a sign of life during a load
LOOPBACK = "127.0.0.1"


def execute(session: Session, planned: PlannedRun) -> RunRecord:
    """Carry out one run and store it whole as `<folder>/<run id>/`.

    What fails in the app or the generator is part of the record (`failure`), so that the campaign
    goes on. Raises HostUnreachable, and KeyboardInterrupt, after everything is stopped.
    """
    app = session.catalogue.apps_of(session.experiment.workload)[planned.app]
    load = choose(planned.load, set(session.generators))
    partial = session.folder / f"{results.PARTIAL}{planned.run_id}"
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "raw").mkdir(parents=True)
    course = Course(started_at=datetime.now(UTC))
    try:
        _Runner(session, planned, app, load, course, partial).go()
    except HostUnreachable:
        raise
    except TestbedError as error:
        course.failure = Failure(stage=course.stage, message=str(error))
    record = _record(session, planned, app, load, course, partial)
    results.write(partial / "run.json", record)
    final = session.folder / planned.run_id
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    return record


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
            self.generating, self.daemon, self.url, self.endpoint, self.workload_folder
        )
        self.statements_seen: list[tuple[str, int]] = []
        self.remote_folder = f"{session.inventory.facts.testbed_run}/{planned.run_id}"

    def go(self) -> None:
        """All steps; whatever was started is stopped, however this ends."""
        course, progress = self.course, self.session.progress
        for remote in (self.session.server, self.session.client):
            remote.run(["mkdir", "-p", self.remote_folder])
        with ExitStack() as cleanup:
            cleanup.callback(self._remove_remote_folders)
            with course.phase("look around"), progress.stage("look who else is there", 1):
                course.before = conditions.before(self.session.server, self.session.client)
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
            cleanup.callback(self._collect, self._start_telemetry(pid))
            self._load(answer)
            with course.phase("check after"), progress.stage("check the answer again", 1):
                course.unit = self.daemon.show()
                course.answers.append(self.asker.check_after())
            with course.phase("stop"):
                cleanup.close()
        with course.phase("collect"):
            course.output = self._parse()
            course.sql = sql.sorted_out(
                self.statements_seen,
                self.endpoint.sql,
                self.app.spec.housekeeping_sql,
                course.output.all_answered,
            )

    def _check_before(self, answer: answers.Answer) -> None:
        """Raise TestbedError unless all are as expected: such an app is not worth a load."""
        checks = self.asker.check_before(answer)
        self.course.answers += checks
        for check in checks:
            if not check.ok:
                about = f" ({check.what})" if check.what else ""
                raise TestbedError(f"wrong answer from {self.url}{about}: {check.problem}")

    def _start_telemetry(self, pid: int) -> dict[HostRole, Process]:
        processes: dict[HostRole, Process] = {}
        for remote in (self.session.server, self.session.client):
            role: HostRole = remote.host.role
            command = [
                f"{remote.facts.testbed_prefix}/bin/telemetry",
                "record",
                f"{self.remote_folder}/telemetry-{role}.csv",
                f"--interface={remote.host.bench_interface}",
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
        (self.partial / "raw" / f"telemetry-{role}.log").write_text(process.output)
        self.session.remote(role).fetch_folder(self.remote_folder, self.partial / "raw")

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
                self._generate(warm_up, "warm-up.txt", load.warmup_s)
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
            self._generate(command, "generator.txt", load.duration_s + inside_s)
        self.statements_seen = postgresql.statements(self.session.server)

    def _target(self, answer: answers.Answer) -> Target:
        """What the generator is told; the body that it sends is put where it finds it."""
        varies, send = self.endpoint.expect.varies, self.endpoint.send
        body_file = None
        if send is not None:
            body_file = f"{self.remote_folder}/body"
            self.generating.write(body_file, read_body(self.workload_folder, send).decode())
        return Target(
            url=self.url,
            method=self.endpoint.method,
            answer_bytes=None if varies else len(answer.body),
            answer_sha256=None if varies else answer.sha256,
            content_type=send.content_type if send else None,
            body_file=body_file,
        )

    def _generate(self, command: list[str], output: str, expected_s: float) -> None:
        """Run a generator to its end, its output into a file on its host.

        Raises TestbedError if it fails or hangs, HostUnreachable if a host is lost meanwhile.
        """
        line = shell_line(self.session, command, f"{self.remote_folder}/{output}")
        limit_s = expected_s + self.load.timeout_s + LOAD_GRACE_S
        begin = time.monotonic()
        alive_at = begin + ALIVE_EVERY_S
        process = self.generating.start(line)
        try:
            while (code := process.wait(0.25)) is None:
                elapsed_s = time.monotonic() - begin
                self.session.progress.tick(elapsed_s)
                if elapsed_s > limit_s:
                    raise TestbedError(f"the generator did not end within {limit_s:.0f} s: {line}")
                if time.monotonic() > alive_at:
                    self.session.server.check_alive(ALIVE_EVERY_S)
                    alive_at = time.monotonic() + ALIVE_EVERY_S
        finally:
            process.stop()
        if code != 0:
            tail = self.generating.run(["tail", "-n", "5", f"{self.remote_folder}/{output}"]).stdout
            raise TestbedError(f"the generator failed (exit {code}): {command[0]}: {tail.strip()}")

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
            raise TestbedError(f"the generator left no {path.name}", exit_code=Exit.RUN_FAILED)
        text = path.read_text(errors="replace")
        output = parse(text, self.load.generator)
        told = measured_from(text, self.load, self.course.before[self.load.from_host])
        self.course.measured_from = told or self.course.measured_from
        return output


def shell_line(session: Session, command: list[str], output: str) -> str:
    """The command with the testbed's programs on PATH, output to a file.

    It may open as many files as the host allows; how many that is goes into a file beside the
    output.
    """
    prefix = session.inventory.facts.testbed_prefix
    limit = Path(output).with_name(conditions.GENERATOR_OPEN_FILES)
    return (
        f"PATH={prefix}/bin:$PATH; ulimit -n $(ulimit -Hn); ulimit -n >{shlex.quote(str(limit))}; "
        f"exec {shlex.join(command)} >{shlex.quote(output)} 2>&1"
    )


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
        open_files=open_files,
        rows=course.rows,
        telemetry_interval_s=session.experiment.telemetry_interval_s,
        unit=course.unit,
        answers=course.answers,
        sql=course.sql,
        output=course.output,
        drift_percent=drift_percent(evidence),
        failure=course.failure,
        findings=findings,
        verdict=worst(findings),
    )
