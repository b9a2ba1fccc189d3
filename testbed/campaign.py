"""One execution of an experiment: prove the hosts fit, carry out the plan, keep what was obtained.

A campaign's folder is written as it goes. Interrupted, it can be resumed: finished runs stay, the
rest is done, and nothing else may have changed in between.
"""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from testbed import catalogue as catalogues
from testbed import generators, hosts, link, results
from testbed.catalogue import Catalogue
from testbed.daemon import Daemon
from testbed.errors import Exit, TestbedError
from testbed.inventory import Inventory
from testbed.model.experiment import Experiment, PlannedRun
from testbed.model.results import Campaign, HostRole, LinkRecord, RunRecord
from testbed.plan import plan
from testbed.progress import Progress
from testbed.remote import Remote
from testbed.run import Session, execute

OVERHEAD_S = 4  # expected time of a run beside its load, until the first run tells


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    name: str  # of the experiment, e.g. 'round2'
    experiment: Experiment
    overridden: list[str]
    seed: int | None
    inventory: Inventory
    results_folder: Path = results.RESULTS_FOLDER


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    folder: Path
    records: list[RunRecord]
    elapsed_s: float

    @property
    def load_s(self) -> float:
        """Seconds of it in which load was measured (without warm-up)."""
        return sum(r.load.duration_s for r in self.records if r.failure is None)


def run(request: Request, progress: Progress) -> Outcome:
    """A new campaign.

    Raises TestbedError if hosts or link are not fit, before anything is loaded. A failed run is in
    the outcome; a lost host or Ctrl-C ends the campaign and keeps its finished runs.
    """
    catalogue = catalogues.load()
    seed = random.SystemRandom().randrange(1_000_000) if request.seed is None else request.seed
    planned = plan(request.experiment, catalogue, seed)
    server, client = hosts.connect(request.inventory)
    try:
        session, campaign = _prepare(request, catalogue, seed, planned, server, client, progress)
        results.write(session.folder / "campaign.json", campaign)
        results.point_latest(session.folder)
        progress.say(f"campaign {campaign.campaign}: {len(planned)} runs, seed {seed}")
        return _carry_out(session, campaign, planned)
    finally:
        server.close()
        client.close()


def resume(folder: Path, inventory: Inventory, progress: Progress) -> Outcome:
    """Go on with a campaign where it stopped.

    Raises TestbedError if apps, hosts or anything else that bears on the figures have changed.
    """
    campaign = results.read(folder / "campaign.json", Campaign)
    request = Request(
        name=campaign.experiment,
        experiment=Experiment.model_validate(campaign.asked),
        overridden=campaign.overridden,
        seed=campaign.seed,
        inventory=inventory,
        results_folder=folder.parent,
    )
    catalogue = catalogues.load()
    planned = plan(request.experiment, catalogue, campaign.seed)
    server, client = hosts.connect(inventory)
    try:
        session, now = _prepare(
            request, catalogue, campaign.seed, planned, server, client, progress, folder
        )
        _check_unchanged(campaign, now)
        return _carry_out(session, campaign, planned)
    finally:
        server.close()
        client.close()


def _prepare(
    request: Request,
    catalogue: Catalogue,
    seed: int,
    planned: list[PlannedRun],
    server: Remote,
    client: Remote,
    progress: Progress,
    folder: Path | None = None,
) -> tuple[Session, Campaign]:
    """Prove that hosts, apps, generator and link are fit, and record what they are."""
    experiment = request.experiment
    created_at = datetime.now(UTC)
    name = folder.name if folder else f"{created_at:%Y%m%dT%H%M%SZ}-{request.name}"
    found = {remote.host.role: hosts.describe(remote) for remote in (server, client)}
    identities: dict[HostRole, str] = {
        "server": hosts.identity(server, found["server"]),
        "client": hosts.identity(client, found["client"]),
    }
    verified: LinkRecord | None = None
    if not experiment.calibration:
        verified = link.verified(server, client, identities, request.results_folder / "link")
    generating = server if experiment.load.from_host == "server" else client
    load = generators.choose(experiment.load, available_generators(generating))
    apps = catalogue.apps_of(experiment.workload)
    for app in sorted({run.app for run in planned}):
        Daemon(server, apps[app]).check_deployed()
    session = Session(
        campaign=name,
        folder=folder or request.results_folder / name,
        experiment=experiment,
        catalogue=catalogue,
        inventory=request.inventory,
        server=server,
        client=client,
        load=load,
        generator_version=_generator_version(load.generator, generating),
        generator_cpus=found[load.from_host]["cpus"],
        link=verified,
        progress=progress,
    )
    return session, Campaign(
        schema_version=1,
        campaign=name,
        experiment=request.name,
        title=experiment.title,
        description=experiment.description,
        place="lab" if request.inventory.facts.testbed_place == "lab" else "metal",
        workload=experiment.workload,
        asked=experiment.model_dump(mode="json"),
        overridden=request.overridden,
        seed=seed,
        runs=[run.run_id for run in planned],
        created_at=created_at,
        ended_at=None,
        hosts=[hosts.record(remote, found[remote.host.role]) for remote in (server, client)],
        postgresql=hosts.postgresql_settings(server),
        link=verified,
        testbed=hosts.control_side(),
    )


def available_generators(remote: Remote) -> set[str]:
    """The generators that a host has."""
    names = " ".join(generators.ADAPTERS)
    path = f"{remote.facts.testbed_prefix}/bin:$PATH"
    found = remote.run(
        f"for name in {names}; do PATH={path} command -v $name >/dev/null && echo $name; done; true"
    )
    return set(found.stdout.split())


def _generator_version(name: str, remote: Remote) -> str | None:
    """What the generator says of its version (wrk does so with an exit code of 1)."""
    path = f"{remote.facts.testbed_prefix}/bin:$PATH"
    result = remote.run(f"PATH={path} {name} --version 2>&1", check=False)
    lines = result.stdout.splitlines()
    return lines[0].strip() if lines else None


def _check_unchanged(before: Campaign, now: Campaign) -> None:
    """Raise TestbedError, naming what differs, unless figures of both may stand together."""
    for key in ("asked", "workload", "place", "hosts", "postgresql"):
        if getattr(before, key) != getattr(now, key):
            raise TestbedError(
                f"campaign {before.campaign} cannot be resumed: {key} differ from when it began",
                remedy="start a new campaign; figures of different settings do not mix",
            )
    if before.testbed["git_commit"] != now.testbed["git_commit"]:
        raise TestbedError(
            f"campaign {before.campaign} was begun at commit {before.testbed['git_commit']}",
            remedy="check that commit out, or start a new campaign",
        )


def _carry_out(session: Session, campaign: Campaign, planned: list[PlannedRun]) -> Outcome:
    begin = time.monotonic()
    progress = session.progress
    done = results.finished_runs(session.folder, campaign)
    todo = [run for run in planned if run.run_id not in done]
    if done:
        progress.say(f"{len(done)} runs are finished already")
    each_s = session.load.warmup_s + session.load.duration_s + OVERHEAD_S
    with progress.campaign(len(todo) * each_s):
        for number, run in enumerate(todo, start=1):
            left_s = (len(todo) - number + 1) * each_s
            progress.say(
                f"[{number}/{len(todo)}] {run.app} {run.endpoint} {run.variant} trial {run.trial}"
                f" (about {left_s / 60:.1f} min left)"
            )
            run_begin = time.monotonic()
            record = execute(session, run)
            each_s = time.monotonic() - run_begin
            done[run.run_id] = record
            progress.say(f"  {summary(record)}")
    campaign = campaign.model_copy(update={"ended_at": datetime.now(UTC)})
    results.write(session.folder / "campaign.json", campaign)
    records = [done[run_id] for run_id in campaign.runs]
    return Outcome(session.folder, records, time.monotonic() - begin)


def summary(record: RunRecord) -> str:
    """One line on a run: its figures, or why it has none, and its verdict."""
    if record.failure or not record.output:
        reason = record.failure.message if record.failure else "no output"
        return f"FAILED: {reason}"
    output = record.output
    p99 = output.latency_us.percentiles.get("99")
    text = (
        f"{_figure(output.goodput_rps)} good of {_figure(output.throughput_rps)} answers/s, "
        f"{output.errors.total} errors, p99 {_figure(p99 and p99 / 1000)} ms: {record.verdict}"
    )
    return "\n    ".join([text, *(finding.sentence for finding in record.findings)])


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.5g}"


def exit_code(outcome: Outcome, *, strict: bool) -> int:
    """0, or what went wrong: a run failed, or with `strict`, one is not valid."""
    if any(record.failure for record in outcome.records):
        return Exit.RUN_FAILED
    if strict and any(record.verdict != "valid" for record in outcome.records):
        return Exit.NOT_VALID
    return 0
