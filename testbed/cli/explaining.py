"""Define the task that measures why two apps differ: the factorial of their factors."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from invoke.context import Context

from testbed import store
from testbed.asked import catalogue as catalogues
from testbed.asked import experiments
from testbed.asked.plan import plan
from testbed.asked.why import factorial_of
from testbed.campaign import campaign
from testbed.cli import measuring, options, show, tasks
from testbed.hosts import inventory
from testbed.progress import Progress
from testbed.terminal import Terminal


def measuring_why(doc: str, show_shares: Callable[[Path], int]) -> tasks.Task:
    """Return a task that measures why two apps differ, and ends with the code of `show_shares`.

    `show_shares` prints the shares of the ratio that the campaign in a folder shows.
    """

    def body(context: Context, experiment: str, **given: Any) -> None:
        measure_why(experiment, options.read_why(given), show_shares)

    return tasks.with_options(body, "run_why", doc, ["experiment"], options.WhyOptions)


def measure_why(name: str, given: options.WhyOptions, show_shares: Callable[[Path], int]) -> None:
    """Carry out or resume the factorial of two apps, or only print its plan with --dry-run."""
    progress = Progress(Terminal(), quiet=given.quiet)
    if given.resume is not None:
        outcome = measuring.resumed_as("why", given.resume, given.inventory, progress)
    else:
        path = experiments.find(name)
        asked, overridden = experiments.override(experiments.load(path), given.overrides())
        with experiments.placed(path, overridden):
            catalogue = catalogues.load(given.apps_path)
            experiment, why = factorial_of(
                asked, catalogue, given.app or "", given.against or "", given.factors
            )
            runs = plan(experiment, catalogue, given.seed or 0)
            progress.result(show.why_text(why, asked.trials, experiment.trials))
            if given.dry_run:
                progress.result(show.plan_text(experiment, runs))
                return
            request = campaign.Request(
                path.stem, experiment, overridden, given.seed, inventory.load(given.inventory),
                store.folder(), apps_path=given.apps_path, why=why,
                folder_name=store.dated(f"why-{path.stem}", datetime.now(UTC)),
            )  # fmt: skip
            outcome = campaign.run(request, progress)
    measuring.tell(outcome, None, progress)
    measuring.end([outcome], show_shares(outcome.folder), strict=given.strict)
