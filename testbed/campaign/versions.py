"""Find the two versions of an app that the user names: folders, or revisions in git."""

import io
import os
import random
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from testbed import store
from testbed.asked import catalogue as catalogues
from testbed.asked import experiments, versions
from testbed.asked.order import SEEDS, seed_of_part
from testbed.asked.plan import plan
from testbed.asked.versions import Source
from testbed.campaign import campaign
from testbed.campaign.campaign import Outcome
from testbed.campaign.course import Watch
from testbed.campaign.part import carry_out as carry_out_campaign
from testbed.errors import Interrupted, TestbedError
from testbed.hosts import inventory, playbook
from testbed.hosts.inventory import Inventory
from testbed.hosts.remotes import held
from testbed.model.campaign import Campaign, Until, Versions
from testbed.model.catalogue import CataloguedApp
from testbed.model.experiment import Experiment, PlannedRun
from testbed.model.results import CAMPAIGN_FILE
from testbed.progress import Progress
from testbed.texts import shown_name

REPEAT = "repeat-"  # begins the name of each campaign of an app against itself
APPS = "apps"  # in the campaign's folder: the apps folder with both versions
DEPLOY = "site.yml"
# Those of its roles that know apps, also who may start them; they leave the client host as it is
ROLES = ["--tags=bench_user,postgresql,redis,app_deploy", "--limit=localhost:server"]


@dataclass(frozen=True)
class Pair:
    """Two versions, ready to be laid out in an apps folder."""

    app: CataloguedApp
    named: Versions
    experiment: Experiment
    old: Source
    new: Source
    own: Path | None  # the user's own apps folder

    def lay_out(self, place: Path) -> None:
        """Make the apps folder `place`, from which both are deployed."""
        versions.lay_out(place, self.app, self.named, self.old, self.new, self.own)

    def planned(self, seed: int) -> list[PlannedRun]:
        """Return the runs. Raises TestbedError for what a campaign would refuse."""
        with tempfile.TemporaryDirectory(prefix="testbed-versions-") as place:
            self.lay_out(Path(place) / APPS)
            return plan(self.experiment, catalogues.load(Path(place) / APPS), seed)


@dataclass(frozen=True)
class VersionsRequest:
    """What the user asked for, of two versions of an app."""

    pair: Pair
    name: str  # of the experiment
    overridden: list[str]
    seed: int | None
    results_folder: Path
    inventory: str | None
    ask_password: bool  # for sudo, to deploy
    until: Until | None = None
    watch: Watch | None = None


def carry_out(request: VersionsRequest, progress: Progress) -> Outcome:
    """Deploy both versions and measure them in one campaign.

    Raises what a campaign raises. If nothing could be measured, no folder is left.
    """
    request.pair.planned(0)  # refused before any host is asked
    hosts = inventory.load(request.inventory)
    name = store.dated(f"ab-{request.pair.app.name}", datetime.now(UTC))
    folder = request.results_folder / name
    with _deployed(request, hosts, folder / APPS):
        return campaign.run(
            campaign.Request(
                name=request.name,
                experiment=request.pair.experiment,
                overridden=request.overridden,
                seed=request.seed,
                inventory=hosts,
                results_folder=request.results_folder,
                apps_path=str(folder / APPS),
                folder_name=name,
                versions=request.pair.named,
                until=request.until,
                watch=request.watch,
            ),
            progress,
        )


def repeat(request: VersionsRequest, times: int, progress: Progress) -> tuple[Path, list[Outcome]]:
    """Measure both in several campaigns, each from a fresh start. Return their folder and outcomes.

    Between two campaigns everything is torn down: apps are stopped, the hosts are given back and
    connected to anew. Raises what a campaign raises; finished campaigns are kept.
    """
    request.pair.planned(0)  # refused before any host is asked
    hosts = inventory.load(request.inventory)
    name = store.dated(f"aa-{request.pair.app.name}", datetime.now(UTC))
    folder = request.results_folder / name
    seed = random.SystemRandom().randrange(SEEDS) if request.seed is None else request.seed
    each = campaign.Request(
        name=request.name,
        experiment=request.pair.experiment,
        overridden=request.overridden,
        seed=seed,
        inventory=hosts,
        results_folder=request.results_folder,
        apps_path=str(folder / APPS),
        within=name,
        versions=request.pair.named,
    )
    with _deployed(request, hosts, folder / APPS):
        return folder, _repeated(each, folder, times, progress)


def go_on(
    folder: Path, times: int, named: str | None, progress: Progress, *, ask_password: bool
) -> list[Outcome]:
    """Go on with the campaigns of `repeat` in a folder, until there are `times` of them.

    `named` is the inventory. Those that are finished stay as they are; one that was interrupted is
    resumed. Raises what a campaign raises, and TestbedError if the folder has no such campaign.
    """
    begun = _begun(folder)
    path = folder / begun[min(begun)] / CAMPAIGN_FILE if begun else None
    first = None if path is None else store.read(path, Campaign)
    if path is None or first is None or first.versions is None or first.versions.differences:
        raise TestbedError(
            f"{shown_name(folder)}: no campaign of an app against itself began here",
            remedy="name the folder that `fab run-aa` wrote, below results/",
        )
    hosts = inventory.load(named)
    each = campaign.Request(
        name=first.experiment,
        experiment=experiments.recorded(first.asked, path),
        overridden=first.overridden,
        seed=first.seed,
        inventory=hosts,
        results_folder=folder.parent,
        apps_path=str(folder / APPS),
        within=folder.name,
        versions=first.versions,
    )
    _deploy(hosts, named, folder / APPS, ask_password=ask_password)
    return _repeated(each, folder, times, progress)


def _repeated(
    each: campaign.Request, folder: Path, times: int, progress: Progress
) -> list[Outcome]:
    """Carry out what is left of so many campaigns, each with a seed that follows from `each`'s."""
    begun, outcomes = _begun(folder), list[Outcome]()
    for number in range(1, times + 1):
        part = begun.get(number, f"{REPEAT}{number:0{len(str(times))}}")
        progress.say(f"campaign {number} of {times}")
        asked = replace(each, seed=seed_of_part(each.seed or 0, part), folder_name=part)
        try:
            outcomes.append(carry_out_campaign(asked, progress))
        except Interrupted as error:
            place = shown_name(os.path.relpath(folder))
            raise Interrupted(
                error.message,
                remedy=f"go on with `fab run-aa --resume={place} --repeats={times}`; "
                f"python -m analysis noise {place} takes the {len(outcomes)} campaigns that ended",
            ) from error
    return outcomes


def _begun(folder: Path) -> dict[int, str]:
    """Return the names of the campaigns that began in a folder of repeats, by their numbers.

    Return an empty mapping if none did.
    """
    names = [path.parent.name for path in folder.glob(f"{REPEAT}*/{CAMPAIGN_FILE}")]
    numbers = {name: name.removeprefix(REPEAT) for name in names}
    return {int(number): name for name, number in numbers.items() if number.isdecimal()}


@contextmanager
def _deployed(request: VersionsRequest, hosts: Inventory, place: Path) -> Iterator[None]:
    """Deploy both versions from the apps folder `place`, which is made.

    If the block ends before a campaign has begun in the folder above it, that folder is removed.
    """
    place.parent.mkdir(parents=True)
    try:
        request.pair.lay_out(place)
        _deploy(hosts, request.inventory, place, ask_password=request.ask_password)
        yield
    finally:
        if not list(place.parent.rglob(CAMPAIGN_FILE)):
            shutil.rmtree(place.parent)


def _deploy(hosts: Inventory, named: str | None, place: Path, *, ask_password: bool) -> None:
    """Deploy all apps of the apps folder `place` to the hosts of the inventory `named`."""
    with held(hosts, cleared=False):
        pass  # nobody else uses them, whose apps this would replace
    playbook.play(
        DEPLOY,
        named,
        ask_password=ask_password,
        variables={"testbed_apps_path": str(place.resolve())},
        options=ROLES,
    )


@contextmanager
def pair(
    experiment: Experiment, name: str, apps_path: str | None, old: str | None, new: str | None
) -> Iterator[Pair]:
    """Provide both versions of the experiment's app `name` while the block runs.

    `old` and `new` are each a folder with an app.yml, or a revision of the git repository that the
    app lies in; None for both stands for the app as it is, against itself. Revisions are unpacked
    in a temporary place, which is gone afterwards. Raises TestbedError, which names what is wrong.
    """
    known = catalogues.load(apps_path).apps_of(experiment.workload)
    if name not in known:
        raise catalogues.unknown(f"app of workload {experiment.workload}:", name, known)
    app = known[name]
    with tempfile.TemporaryDirectory(prefix="testbed-versions-") as place:
        if old is None or new is None:
            first = second = Source.read(Path(app.file).parent, name)
        else:
            first = _source(app, old, Path(place) / "old")
            second = _source(app, new, Path(place) / "new")
        named = versions.side_by_side(app, first, second)
        own = None if apps_path is None else Path(apps_path).resolve()
        asked = versions.experiment_of(experiment, named)
        yield Pair(app, named, asked, first, second, own)


def _source(app: CataloguedApp, said: str, place: Path) -> Source:
    """Return the version that the user named; a revision is unpacked below `place`."""
    if not said:
        raise TestbedError(
            "--old and --new: an empty name", remedy="name a folder with an app.yml, or a revision"
        )
    try:
        is_folder = Path(said).is_dir()
    except (OSError, ValueError):
        is_folder = False
    if is_folder:
        return Source.read(Path(said).resolve(), said)
    return _revision(app, said, place)


def _revision(app: CataloguedApp, said: str, place: Path) -> Source:
    home = Path(app.file).resolve().parent
    if _git(home, "rev-parse", "--is-inside-work-tree") is None:
        raise TestbedError(
            f"{shown_name(said)}: no folder, nor a revision: {shown_name(home)} lies in no git "
            "repository",
            remedy="name a folder with an app.yml",
        )
    commit = _text(
        home, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{said}^{{commit}}"
    )
    if commit is None:
        raise TestbedError(
            f"{shown_name(said)}: neither a folder nor a revision of the git repository of "
            f"{app.name}",
            remedy="`git log` there shows its revisions",
        )
    if commit == _text(home, "rev-parse", "HEAD") and _git(
        home, "status", "--porcelain", "--", "."
    ):
        raise TestbedError(
            f"{shown_name(home)} has changes that are not committed, which revision "
            f"{shown_name(said)} does not have",
            remedy="commit them, or name the folder instead of the revision",
        )
    # the app's code may lie beside its folder, in that of its workload
    top = Path(_text(home, "rev-parse", "--show-toplevel") or home)
    whole = home if top == home else home.parent
    archive = _git(whole, "archive", "--format=tar", commit)
    if archive is not None:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            # git keeps no path that leads elsewhere; where Python can, it makes sure of that
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            try:
                tar.extractall(place / whole.name)  # noqa: S202
            except (tarfile.TarError, OSError) as error:
                raise TestbedError(
                    f"revision {shown_name(said)} of {app.name} cannot be unpacked: {error}",
                    remedy="name a folder instead of the revision",
                ) from error
    return Source.read(place / home.relative_to(whole.parent), said, commit)


def _text(folder: Path, *words: str) -> str | None:
    found = _git(folder, *words)
    return None if found is None else found.decode(errors="replace").strip()


def _git(folder: Path, *words: str) -> bytes | None:
    """Return what git prints in a folder; None if it ends with an error."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise TestbedError(
            "git is not installed on this machine", remedy="install it, or name folders"
        ) from error
    except (OSError, ValueError):  # a name longer than a command line takes, or with a null byte
        return None
    return done.stdout if done.returncode == 0 else None
