"""Define the tasks that carry out an experiment, and what all tasks share that measure."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from invoke.context import Context

from testbed import files, store
from testbed.asked import catalogue as catalogues
from testbed.asked import experiments, until
from testbed.asked.plan import plan
from testbed.campaign import campaign
from testbed.campaign.course import Watch
from testbed.cli import options, show, tasks
from testbed.errors import Exit, TestbedError
from testbed.hosts import inventory
from testbed.model.campaign import Campaign, Until
from testbed.model.experiment import Experiment
from testbed.model.results import CAMPAIGN_FILE
from testbed.progress import Progress
from testbed.terminal import Terminal
from testbed.texts import shown_name


def measuring(name: str, doc: str, watch: Watch | None = None) -> tasks.Task:
    """Return a task that carries out the experiment `name`, with every option of Options.

    `watch` watches ratios, for --until.
    """

    def body(context: Context, **given: Any) -> None:
        measure(name, options.read(given), watch)

    return tasks.with_options(body, name, doc, [])


def measuring_any(doc: str, watch: Watch | None = None) -> tasks.Task:
    """Return a task that carries out the experiment that its first argument names."""

    def body(context: Context, experiment: str, **given: Any) -> None:
        measure(experiment, options.read(given), watch)

    return tasks.with_options(body, "run", doc, ["experiment"])


def measure(name: str, given: options.Options, watch: Watch | None) -> None:
    """Carry out or resume an experiment, or only print its plan with --dry-run."""
    progress = Progress(Terminal(), quiet=given.quiet)
    if given.resume is not None:
        outcome = resumed(given.resume, given.inventory, watch, progress)
    else:
        path = experiments.find(name)
        experiment, overridden, asked = settled(path, given, watch)
        if given.dry_run:
            with experiments.placed(path, overridden):
                catalogue = catalogues.load(given.apps_path)
                runs = plan(experiment, catalogue, given.seed or 0)
            if asked:
                until.check(experiment, asked, runs, catalogue)
            progress.result(show.plan_text(experiment, runs, asked))
            return
        hosts = inventory.load(given.inventory)
        request = campaign.Request(
            path.stem,
            experiment,
            overridden,
            given.seed,
            hosts,
            store.folder(),
            apps_path=given.apps_path,
            until=asked,
            watch=watch,
        )
        with experiments.placed(path, overridden):
            outcome = campaign.run(request, progress)
    tell(outcome, watch, progress)
    end([outcome], strict=given.strict)


def settled(
    path: Path, given: options.Options, watch: Watch | None
) -> tuple[Experiment, list[str], Until | None]:
    """Return the experiment as asked for, the keys that options changed, and what is watched.

    The last is None without --until, and if there is nobody to watch.
    """
    experiment, overridden = experiments.override(experiments.load(path), given.overrides())
    if given.until is None or watch is None:
        return experiment, overridden, None
    metrics = given.metric or []
    watch.check(metrics)
    experiment, asked = until.settle(experiment, given.until, metrics, given.most)
    return experiment, overridden, asked


def resumed_as(
    kind: Literal["why", "question"], named: str, hosts: str | None, progress: Progress
) -> campaign.Outcome:
    """Resume the campaign that the user named, and return its outcome.

    Raises TestbedError if it was not begun by the task of that kind.
    """
    if getattr(store.read(results_folder(named) / CAMPAIGN_FILE, Campaign), kind) is None:
        raise TestbedError(
            f"{shown_name(named)}: not a campaign of `fab run-{kind}`",
            remedy="go on with it by the task that began it",
        )
    return resumed(named, hosts, None, progress)


def resumed(
    named: str, hosts: str | None, watch: Watch | None, progress: Progress
) -> campaign.Outcome:
    """Resume the campaign that the user named, and return its outcome."""
    folder = results_folder(named)
    return campaign.resume(folder, inventory.load(hosts), progress, watch=watch)


def tell(outcome: campaign.Outcome, watch: Watch | None, progress: Progress) -> None:
    """Print what a campaign measured, and what its ratios came to if it watched any."""
    progress.result(show.outcome_text(outcome))
    if outcome.until and watch:
        progress.result(watch.told(outcome.folder))


def end(outcomes: Sequence[campaign.Outcome], judged: int = 0, *, strict: bool) -> None:
    """End the task with an exit code, unless all went well.

    `judged` is the code by which the figures were judged. A run that was interrupted or failed has
    none, so its code says more; the code of a run that is not valid says less.
    """
    code = campaign.exit_code(outcomes, strict=strict)
    grave = code if code in (Exit.RUN_INTERRUPTED, Exit.RUN_FAILED) else 0
    if grave or judged or code:
        sys.exit(grave or judged or code)


def results_folder(named: str) -> Path:
    """Return the folder of results that the user named. Raises TestbedError if it is none."""
    files.check_folder(Path(named), "name the folder that it wrote, below results/")
    return Path(named).resolve()
