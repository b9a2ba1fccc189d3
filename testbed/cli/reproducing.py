"""Define the task that repeats a campaign from an archive of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoke.context import Context
from pydantic import Field

from testbed import store
from testbed.campaign import campaign, reproduce
from testbed.campaign.course import Watch
from testbed.cli import measuring, options, show, tasks
from testbed.hosts import inventory
from testbed.model.base import Model
from testbed.progress import Progress
from testbed.terminal import Terminal

# Prints which figures of two campaigns agree, and returns the exit code of that; without a second
# folder, only refuses options that are wrong
Agree = Callable[[Path, Path | None, list[str]], int]


class ReproduceOptions(Model):
    """The options of `fab reproduce`, besides the archive."""

    inventory: options.PathName | None = Field(None, description=options.INVENTORY_HELP)
    apps_path: options.PathName | None = Field(
        None, description="a folder with your own apps, laid out as apps/"
    )
    metric: options.Names | None = Field(None, description="figures to compare")
    tolerance: options.Finite | None = Field(
        None, description="percent up to which figures agree; default: 5"
    )
    between: options.Finite | None = Field(
        None, description="standard deviation between campaigns here and there, percent"
    )
    dry_run: bool = Field(False, description="check the archive, print the plan, touch no host")
    strict: bool = Field(False, description="exit code 5 unless every run is valid")
    quiet: bool = Field(False, description="print results only")

    def judging(self) -> list[str]:
        """Return the options for `compare`."""
        limits = {"tolerance": self.tolerance, "between": self.between}
        return [
            *(f"--metric={key}" for key in self.metric or []),
            *(f"--{name}={value}" for name, value in limits.items() if value is not None),
        ]


def reproducing(doc: str, agree: Agree, watch: Watch | None = None) -> tasks.Task:
    """Return a task that repeats the campaign of an archive, and ends with the code of `agree`."""

    def body(context: Context, bundle: str, **given: Any) -> None:
        repeat(Path(bundle), options.typed(ReproduceOptions, given), agree, watch)

    return tasks.with_options(body, "reproduce", doc, ["bundle"], ReproduceOptions)


def repeat(bundle: Path, given: ReproduceOptions, agree: Agree, watch: Watch | None) -> None:
    """Check an archive, plan its campaign again, carry it out here, and say what agrees.

    Raises TestbedError if the archive is damaged or cannot be repeated with the apps here.
    """
    progress = Progress(Terminal(), quiet=given.quiet)
    with reproduce.unpacked(bundle, store.folder()) as folder:
        agree(folder, None, given.judging())
        asked = reproduce.original(folder, given.apps_path)
    about = asked.campaign
    progress.result(f"{about.campaign}: every file is as its list says; unpacked to {folder}")
    for line in asked.differences:
        progress.result(line)
    if given.dry_run:
        progress.result(show.plan_text(asked.experiment, asked.planned, about.until))
        return
    request = campaign.Request(
        name=about.experiment,
        experiment=asked.experiment,
        overridden=about.overridden,
        seed=about.seed,
        inventory=inventory.load(given.inventory),
        results_folder=store.folder(),
        apps_path=given.apps_path,
        until=about.until,
        why=about.why,
        question=about.question,
        watch=watch,
    )
    outcome = campaign.run(request, progress)
    progress.result(show.outcome_text(outcome))
    measuring.end([outcome], agree(folder, outcome.folder, given.judging()), strict=given.strict)
