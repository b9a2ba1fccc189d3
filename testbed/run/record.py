"""Make the record of a run: begin it with what is asked, and judge the run at the end."""

from datetime import UTC, datetime
from pathlib import Path

from testbed import store
from testbed.asked import database_connections
from testbed.asked.order import seed_of_arrivals, seed_of_requests
from testbed.model.catalogue import CataloguedApp
from testbed.model.experiment import PlannedRun
from testbed.model.load import Load
from testbed.model.mix import Mix
from testbed.model.results import Failure, OpenFiles, RunRecord
from testbed.run import conditions
from testbed.run.session import Session
from testbed.validity import (
    Evidence,
    Expected,
    cost,
    figures,
    gave_out,
    judge,
    upstream,
    worst,
)  # fmt: skip

INTERVAL_S = 1  # between two samples of a host, where none is asked
SAMPLES = 8  # of a short run's measured part: of fewer, those at its edges are too many


def begun(
    session: Session,
    planned: PlannedRun,
    app: CataloguedApp,
    load: Load,
    earlier_failures: list[Failure],
) -> RunRecord:
    """Return the record of a run that begins now. It says what is asked; nothing is measured."""
    now = datetime.now(UTC)
    workload = session.catalogue.workload(app.workload)
    mixed = isinstance(workload.endpoints[planned.endpoint], Mix)
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
        url=session.url_of(app, planned.endpoint),
        calibration=session.experiment.calibration,
        load=load,
        weights=workload.weights(planned.endpoint) if mixed else {},
        **_seeds(session, planned, load, in_turn=workload.asks_in_turn(planned.endpoint)),
        generator_version=session.generators[load.generator],
        command=None,
        started_at=now,
        ended_at=now,
        phases_s={},
        telemetry_interval_s=_interval_s(session.experiment.telemetry_interval_s, load),
        unit=None,
        answers=[],
        sql=None,
        output=None,
        failure=None,
        earlier_failures=earlier_failures,
        findings=[],
        verdict="invalid",
    )


def _seeds(
    session: Session, planned: PlannedRun, load: Load, *, in_turn: bool
) -> dict[str, int | None]:
    """Return the record's seeds; None in place of one of which nothing is drawn.

    A generator takes one seed for all that it draws.
    """
    seed = (
        seed_of_requests(session.seed, planned.endpoint, planned.run_id)
        if in_turn
        else seed_of_arrivals(session.seed, planned.run_id)
    )
    return {
        "arrivals_seed": seed if load.arrivals == "poisson" else None,
        "requests_seed": seed if in_turn else None,
    }


def judged(session: Session, record: RunRecord, folder: Path) -> RunRecord:
    """Return the record of a run that has ended, completed with findings and verdict.

    `folder` has the run's files.
    """
    most_files = OpenFiles(
        app=record.open_files.app if record.open_files else None,
        generator=conditions.generator_open_files(folder / "raw"),
    )
    record = record.model_copy(update={"open_files": most_files})
    workload = session.catalogue.workload(record.workload)
    app = session.catalogue.apps_of(record.workload)[record.app].spec
    expected = Expected(
        statements={name: one.sql for name, one in workload.parts(record.endpoint).items()},
        link=session.link,
        first_rows=store.first_rows(session.folder),
        first_postgresql=session.postgresql,
        workers=session.workers.get((record.endpoint, record.variant), {}),
        unequal_workers=session.experiment.unequal_workers,
        worker_connections=database_connections.of_worker(app, record.settings),
        threads=database_connections.threads(app, record.settings),
    )
    evidence = Evidence(record, folder, expected)
    record = record.model_copy(update={"upstream": upstream.of_run(evidence)})
    evidence = Evidence(record, folder, expected)
    findings = judge(evidence)
    return record.model_copy(
        update={
            "ended_at": datetime.now(UTC),
            "drift_percent": figures.drift_percent(evidence),
            "response_drift_percent": figures.response_drift_percent(evidence),
            "cost": cost.of_run(evidence),
            "gave_out": gave_out.of_run(evidence),
            "findings": findings,
            "verdict": worst(findings),
        }
    )


def _interval_s(asked_s: float | None, load: Load) -> float:
    """Return the seconds between two samples of a host: as asked, or as short as the run needs."""
    if asked_s is not None:
        return asked_s
    return min(INTERVAL_S, load.duration_s / SAMPLES)
