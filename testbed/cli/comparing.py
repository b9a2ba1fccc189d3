"""Define the tasks that measure two versions of an app, and an app against itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoke.context import Context

from testbed import store
from testbed.asked import experiments
from testbed.campaign import versions
from testbed.campaign.course import Watch
from testbed.cli import measuring, options, show, tasks
from testbed.progress import Progress
from testbed.terminal import Terminal

# Prints the verdicts of a campaign's folder, with options for that, and returns the exit code;
# without a folder, only refuses options that are wrong
Judge = Callable[[Path | None, list[str]], int]


def measuring_versions(doc: str, judge: Judge, watch: Watch | None = None) -> tasks.Task:
    """Return a task that measures two versions of an app, and ends with the exit code of `judge`.

    `judge` prints the verdicts of the campaign in a folder; this package knows nothing of analysis.
    """

    def body(context: Context, experiment: str, **given: Any) -> None:
        measure_versions(experiment, options.read_versions(given), judge, watch)

    return tasks.with_options(body, "run_ab", doc, ["experiment"], options.VersionOptions)


def measure_versions(
    name: str, given: options.VersionOptions, judge: Judge, watch: Watch | None
) -> None:
    """Deploy two versions of an app and measure them, or only print the plan with --dry-run."""
    progress = Progress(Terminal(), quiet=given.quiet)
    judge(None, given.judging())
    if given.resume is not None:
        outcome = measuring.resumed(given.resume, given.inventory, watch, progress)
    else:
        path = experiments.find(name)
        experiment, overridden, asked = measuring.settled(path, given, watch)
        sources = (given.old, given.new)
        with (
            experiments.placed(path, overridden),
            versions.pair(experiment, given.app or "", given.apps_path, *sources) as pair,
        ):
            if given.dry_run:
                runs = pair.planned(given.seed or 0)
                progress.result(show.versions_text(pair.named))
                progress.result(show.plan_text(pair.experiment, runs, asked))
                return
            progress.result(show.versions_text(pair.named))
            request = versions.VersionsRequest(
                pair, path.stem, overridden, given.seed, store.folder(), given.inventory,
                ask_password=given.ask_become_pass, until=asked, watch=watch,
            )  # fmt: skip
            outcome = versions.carry_out(request, progress)
    measuring.tell(outcome, watch, progress)
    measuring.end([outcome], judge(outcome.folder, given.judging()), strict=given.strict)


def measuring_noise(doc: str, judge: Callable[[Path], int]) -> tasks.Task:
    """Return a task that measures an app against itself, and ends with the exit code of `judge`.

    `judge` prints the noise that the campaigns in a folder show.
    """

    def body(context: Context, experiment: str, **given: Any) -> None:
        measure_noise(experiment, options.read_noise(given), judge)

    return tasks.with_options(body, "run_aa", doc, ["experiment"], options.NoiseOptions)


def measure_noise(name: str, given: options.NoiseOptions, judge: Callable[[Path], int]) -> None:
    """Measure an app against itself in several campaigns, go on with them, or print the plan."""
    progress = Progress(Terminal(), quiet=given.quiet)
    times = given.repeats or options.REPEATS
    if given.resume is not None:
        folder = measuring.results_folder(given.resume)
        outcomes = versions.go_on(
            folder, times, given.inventory, progress, ask_password=given.ask_become_pass
        )
        progress.result(show.repeats_text(folder, outcomes))
        measuring.end(outcomes, judge(folder), strict=given.strict)
        return
    path = experiments.find(name)
    asked, overridden = experiments.override(experiments.load(path), given.overrides())
    with (
        experiments.placed(path, overridden),
        versions.pair(asked, given.app or "", given.apps_path, None, None) as pair,
    ):
        if given.dry_run:
            runs = pair.planned(given.seed or 0)
            progress.result(f"{times} campaigns, each:")
            progress.result(show.plan_text(pair.experiment, runs))
            return
        request = versions.VersionsRequest(
            pair, path.stem, overridden, given.seed, store.folder(), given.inventory,
            ask_password=given.ask_become_pass,
        )  # fmt: skip
        folder, outcomes = versions.repeat(request, times, progress)
    progress.result(show.repeats_text(folder, outcomes))
    measuring.end(outcomes, judge(folder), strict=given.strict)
