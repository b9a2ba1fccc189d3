"""Carry out one run and store it, also if it fails. Nothing of it is left running."""

import shutil

from testbed import seal, store
from testbed.asked.order import seed_of_upstream
from testbed.errors import Interrupted, RunFailed, TestbedError
from testbed.hosts.failures import HostUnreachable
from testbed.model.experiment import PlannedRun
from testbed.model.results import RUN_FILE, Failure, RunRecord
from testbed.run import conditions
from testbed.run.record import begun, judged
from testbed.run.session import Session
from testbed.run.steps import BEFORE_THE_APP, Steps
from testbed.run.upstream import OtherService
from testbed.tools.generators import choose


def execute(session: Session, planned: PlannedRun) -> RunRecord:
    """Carry out one run, store it complete as `<folder>/<run id>/`, and return its record.

    If the run fails, the record says why (`failure`), and whether the app failed or something
    around the app interrupted the run; the campaign then continues. Raises Interrupted, after the
    record is stored, if the next run would fail for the same reason, and KeyboardInterrupt after
    everything is stopped.
    """
    app = session.catalogue.apps_of(session.experiment.workload)[planned.app]
    load = choose(planned.load, set(session.generators))
    partial = session.folder / f"{store.PARTIAL}{planned.run_id}"
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "raw").mkdir(parents=True)
    final = session.folder / planned.run_id
    earlier_failures = store.failures(final / RUN_FILE)
    record = begun(session, planned, app, load, earlier_failures)
    steps = Steps(session, app, record, partial, _other_service(session, planned))
    end: Interrupted | None = None
    try:
        steps.go()
    except TestbedError as error:
        first = conditions.link_fault(session, steps.record.before) or _first(error)
        failure, end = _ended_by(first, steps.stage)
        steps.note(failure=failure)
    record = judged(session, steps.record, partial)
    record = record.model_copy(update={"files": seal.files_of(partial)})
    store.write(partial / RUN_FILE, record)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    if end is not None:
        raise end
    return record


def _other_service(session: Session, planned: PlannedRun) -> OtherService | None:
    """Return the other service as the run asks for it; None if its workload asks none."""
    if planned.upstream is None:
        return None
    seed = seed_of_upstream(session.seed, planned.endpoint, planned.run_id)
    folder = f"{session.inventory.facts.testbed_run}/{planned.run_id}"
    return OtherService(session.remotes, planned.upstream, seed, folder)


def _first(error: TestbedError) -> TestbedError:
    """Return the error that happened first; it may have made stopping and collecting fail, too."""
    while isinstance(error.__context__, TestbedError) and not error.__suppress_context__:
        error = error.__context__
    return error


def _ended_by(error: TestbedError, stage: str) -> tuple[Failure, Interrupted | None]:
    """Return the failure for the run's record, and the error that ends the campaign or None.

    Only a RunFailed is the app's fault. An error before the app is started, or a lost host, would
    make the next run fail as well, and so it ends the campaign.
    """
    if isinstance(error, RunFailed):
        return Failure(stage=stage, message=str(error)), None
    failure = Failure(stage=stage, message=str(error), interrupted=True)
    asked_to_end = isinstance(error, Interrupted) and error.ends_campaign
    if asked_to_end or isinstance(error, HostUnreachable) or stage in BEFORE_THE_APP:
        return failure, Interrupted(error.message, remedy=error.remedy, ends_campaign=True)
    return failure, None
