"""Execute an experiment: prove that the hosts are fit, carry out the plan, keep the results.

A campaign's folder is written as the campaign goes on. An interrupted campaign can be resumed:
finished runs stay and the rest is done, provided that nothing else has changed in between.
"""

import os
import random
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from testbed import store
from testbed.asked import app_code, experiments, until, workload_files
from testbed.asked import catalogue as catalogues
from testbed.asked.catalogue import Catalogue
from testbed.asked.order import SEEDS
from testbed.asked.plan import left_out, plan, workers
from testbed.called import as_called
from testbed.campaign import changes
from testbed.campaign.course import Course, Watch
from testbed.errors import Exit, Interrupted, TestbedError, system_words
from testbed.host_roles import HostRole
from testbed.hosts import delay, fit, hosts, link, services
from testbed.hosts.daemon import Daemon
from testbed.hosts.delay import Delayed
from testbed.hosts.inventory import Inventory
from testbed.hosts.remote import Remote
from testbed.hosts.remotes import Remotes, at_once, held
from testbed.model.campaign import Campaign, Until, Versions
from testbed.model.experiment import Experiment, PlannedRun
from testbed.model.link import LinkRecord
from testbed.model.question import QuestionPlan
from testbed.model.results import CAMPAIGN_FILE, RunRecord
from testbed.model.why import Why
from testbed.paths import ROOT
from testbed.progress import Progress
from testbed.run.session import Session
from testbed.texts import shown_name
from testbed.tools import generators
from testbed.tools.table import GENERATORS

# Packages on which figures depend: the control side, and what runs on the hosts
MEASURE = ("testbed", "pacer", "telemetry", "upstream")


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    name: str  # of the experiment, for example 'round2'
    experiment: Experiment
    overridden: list[str]
    seed: int | None
    inventory: Inventory
    results_folder: Path
    apps_path: str | None = None  # the user's own apps folder
    within: str | None = None  # the folder of its series in results_folder, if it belongs to one
    folder_name: str | None = None  # None for the time and the experiment's name
    versions: Versions | None = None  # of one app, if the campaign compares two
    until: Until | None = None  # None: the number of trials is the experiment's
    why: Why | None = None  # of two apps, if the campaign is a factorial
    question: QuestionPlan | None = None  # if the campaign answers one
    watch: Watch | None = None

    @property
    def parent(self) -> Path:
        """The folder in which the campaign's folder is made."""
        return self.results_folder / self.within if self.within else self.results_folder


@dataclass(frozen=True)
class Outcome:
    """What became of the campaign."""

    folder: Path
    records: list[RunRecord]
    made: list[RunRecord] = field(default_factory=list)  # of these, not finished before a resume
    elapsed_s: float = 0  # how long making them took
    until: Until | None = None  # what was watched, if the number of trials was not fixed

    @property
    def load_s(self) -> float:
        """The seconds of it in which load was measured, without warm-up."""
        return sum(r.load.duration_s for r in self.made if r.failure is None)

    @property
    def warmup_s(self) -> float:
        """The seconds of it that were warm-up."""
        return sum(r.load.warmup_s for r in self.made if r.failure is None)


def run(request: Request, progress: Progress) -> Outcome:
    """Carry out a new campaign and return its outcome.

    Raises TestbedError if hosts or link are not fit, before any load is made. A failed or
    interrupted run is part of the outcome. A problem that every further run would meet (a lost
    host, a missing service), and Ctrl-C, end the campaign as Interrupted; finished runs are kept.
    """
    catalogue = catalogues.load(request.apps_path)
    seed = random.SystemRandom().randrange(SEEDS) if request.seed is None else request.seed
    planned = plan(request.experiment, catalogue, seed)  # refused before any host is asked
    if request.until:
        until.check(request.experiment, request.until, planned, catalogue)
    with held(request.inventory) as remotes:
        session, campaign, planned = _prepare(request, catalogue, seed, remotes, progress)
        with delay.applied(request.experiment.link_delay_ms, remotes, progress) as delayed:
            campaign = campaign.model_copy(update={"link_delay": delayed and delayed.record})
            store.write(session.folder / CAMPAIGN_FILE, campaign)
            if not request.within:
                store.point_latest(session.folder)
            progress.say(f"campaign {campaign.campaign}: {len(planned)} runs, seed {seed}")
            for line in left_out(request.experiment, planned):
                progress.say(line)
            return _resumable(session, campaign, planned, delayed, request.watch)


def resume(
    folder: Path,
    inventory: Inventory,
    progress: Progress,
    *,
    within: str | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """Go on with a campaign where it stopped.

    Raises TestbedError if apps, hosts or anything else that affects the figures has changed.
    """
    campaign = store.read(folder / CAMPAIGN_FILE, Campaign)
    store.finished_runs(folder, campaign)  # edited runs are refused before any host is asked
    request = Request(
        name=campaign.experiment,
        experiment=experiments.recorded(campaign.asked, folder / CAMPAIGN_FILE),
        overridden=campaign.overridden,
        seed=campaign.seed,
        inventory=inventory,
        results_folder=folder.parent.parent if within else folder.parent,
        apps_path=campaign.apps_path,
        within=within,
        folder_name=folder.name,
        versions=campaign.versions,
        until=campaign.until,
        why=campaign.why,
        question=campaign.question,
    )
    catalogue = catalogues.load(request.apps_path)
    with held(inventory) as remotes:
        session, now, planned = _prepare(request, catalogue, campaign.seed, remotes, progress)
        changes.check_unchanged(campaign, now)
        with delay.applied(request.experiment.link_delay_ms, remotes, progress) as delayed:
            return _resumable(session, campaign, planned, delayed, watch)


def _prepare(
    request: Request,
    catalogue: Catalogue,
    seed: int,
    remotes: Remotes,
    progress: Progress,
) -> tuple[Session, Campaign, list[PlannedRun]]:
    """Prove that hosts, apps, generator and link are fit, and record what they are."""
    created_at = datetime.now(UTC)
    name = request.folder_name or store.dated(request.name, created_at)
    found = at_once(remotes, hosts.describe)
    experiment = experiments.for_cpus(request.experiment, found["server"]["cpus"])
    planned = plan(experiment, catalogue, seed)
    identities = {role: hosts.identity(remotes[role], one) for role, one in found.items()}
    verified: LinkRecord | None = None
    if not experiment.calibration:
        verified = link.verified(remotes, identities, request.results_folder / "link")
    available = available_generators(remotes[experiment.load.from_host])
    for load in {(run.load.open_loop, run.load.generator): run.load for run in planned}.values():
        generators.choose(load, set(available))
    apps = catalogue.apps_of(experiment.workload)
    for app in sorted({run.app for run in planned}):
        Daemon(remotes["server"], apps[app]).check_deployed()
    of_services: dict[str, Any] = {"postgresql": {}}
    need = services.Need.of(catalogue, experiment.workload)
    for service in services.used(need):
        service.check_deployed(remotes["server"], need)
        of_services |= service.for_campaign(remotes["server"], planned, apps)
    session = Session(
        campaign=name,
        folder=request.parent / name,
        seed=seed,
        experiment=experiment,
        catalogue=catalogue,
        inventory=request.inventory,
        remotes=remotes,
        generators=available,
        generator_cpus=found[experiment.load.from_host]["cpus"],
        postgresql=of_services["postgresql"],
        link=verified,
        progress=progress,
        workers=workers(planned, apps),
    )
    campaign = _begun(request, session, found, of_services, planned, seed, created_at)
    return session, campaign, planned


def _begun(
    request: Request,
    session: Session,
    found: Mapping[HostRole, dict[str, Any]],
    of_services: Mapping[str, Any],
    planned: list[PlannedRun],
    seed: int,
    created_at: datetime,
) -> Campaign:
    """Return the record of a campaign before its first run, and say what makes its hosts unfit.

    `found` has what the hosts say of themselves, `of_services` the record's fields about services.
    """
    experiment, remotes = session.experiment, session.remotes
    ahead_s = at_once(remotes, hosts.clock_offset_s)
    fitness = fit.check(remotes, ahead_s)
    for line in fit.news(fitness):
        session.progress.say(as_called(f"{line}; `fab check` tells more"))
    return Campaign(
        schema_version=1,
        campaign=session.campaign,
        experiment=request.name,
        title=experiment.title,
        description=experiment.description,
        place="lab" if request.inventory.facts.testbed_place == "lab" else "metal",
        workload=experiment.workload,
        asked=experiment.model_dump(mode="json"),
        overridden=request.overridden,
        seed=seed,
        runs=[run.run_id for run in planned],
        clock_offset_s=ahead_s,
        created_at=created_at,
        ended_at=None,
        hosts=[hosts.record(remotes[role], one) for role, one in found.items()],
        fitness=fitness,
        link=session.link,
        apps_path=request.apps_path,
        versions=request.versions,
        until=request.until,
        why=request.why,
        question=request.question,
        testbed=hosts.control_side() | {"code": _code()},
        **_digests(session.catalogue, experiment.workload, {run.app for run in planned}),
        **of_services,
    )


def _code() -> str:
    """Return a short digest of the code that measures, with edits that no commit has."""
    of_packages = {name: app_code.digest(ROOT / name) for name in MEASURE}
    return workload_files.digest(of_packages)


def _digests(catalogue: Catalogue, workload: str, used: Collection[str]) -> dict[str, Any]:
    """Return the record's fields about the files of the workload, and of the apps used of it."""
    apps = catalogue.apps_of(workload)
    named = workload_files.digests(catalogue.folders[workload], catalogue.workload(workload))
    return {
        "apps": {name: apps[name].digest for name in sorted(used)},
        "app_files": {
            name: app_code.file_digests(Path(apps[name].folder), *map(Path, apps[name].beside))
            for name in sorted(used)
        },
        "workload_digest": workload_files.digest(named),
        "workload_files": named,
    }


def available_generators(remote: Remote) -> dict[str, str | None]:
    """Return the generators that a host has, each with its version if it prints one.

    Some print their version with exit code 1, so only whether the program is found counts.
    """
    path = f"PATH={remote.facts.testbed_prefix}/bin:$PATH"
    found: dict[str, str | None] = {}
    for name, one in GENERATORS.items():
        ask = f"command -v {name}"
        if one.version_option is not None:
            ask += f" && {name} {one.version_option} 2>&1"
        place, *said = remote.run(f"{path}; {ask}; true").stdout.splitlines() or [""]
        if place:
            found[name] = said[0].strip() if said else None
    return found


def _resumable(
    session: Session,
    campaign: Campaign,
    planned: list[PlannedRun],
    delayed: Delayed | None,
    watch: Watch | None,
) -> Outcome:
    """Carry the campaign out. If it ends early, raise Interrupted, which says how to go on."""
    try:
        return _carry_out(session, campaign, planned, delayed, watch)
    except (TestbedError, OSError) as error:
        again = f"go on with --resume={shown_name(os.path.relpath(session.folder))}"
        if isinstance(error, OSError):  # of this machine, such as a full disk or a missing folder
            place = error.filename or session.folder
            problem = f"this machine: {shown_name(place)}: {system_words(error)}"
            raise Interrupted(problem, remedy=again) from error
        remedy = f"{error.remedy}; then {again}" if error.remedy else again
        raise Interrupted(error.message, remedy=remedy) from error


def _carry_out(
    session: Session,
    campaign: Campaign,
    planned: list[PlannedRun],
    delayed: Delayed | None,
    watch: Watch | None = None,
) -> Outcome:
    begin = time.monotonic()
    course = Course(session, campaign, store.finished_runs(session.folder, campaign), delayed)
    if course.done:
        session.progress.say(f"{len(course.done)} runs are finished already")
    course.make_all(planned)
    if campaign.until and watch:
        course.go_on(campaign.until, watch, planned)
    course.campaign = course.campaign.model_copy(update={"ended_at": datetime.now(UTC)})
    store.write(session.folder / CAMPAIGN_FILE, course.campaign)
    # A search that was resumed with other figures took another way, and left probes unmade
    records = [course.done[one] for one in course.campaign.runs if one in course.done]
    elapsed_s = time.monotonic() - begin
    return Outcome(session.folder, records, course.made, elapsed_s, campaign.until)


def exit_code(outcomes: Sequence[Outcome], *, strict: bool) -> int:
    """Return 0, or the exit code of the gravest problem of any run.

    A problem is an interrupted run, a failed app or, with `strict`, a run that is not valid.
    """
    records = [record for outcome in outcomes for record in outcome.records]
    failures = [record.failure for record in records if record.failure]
    if any(failure.interrupted for failure in failures):
        return Exit.RUN_INTERRUPTED
    if failures:
        return Exit.RUN_FAILED
    if strict and any(record.verdict != "valid" for record in records):
        return Exit.NOT_VALID
    return 0
