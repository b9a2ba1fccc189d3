"""Define what fab's tasks share: the signatures of their options, and errors as one message."""

import functools
import inspect
import logging
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from invoke.context import Context

from testbed import files, store
from testbed.asked import catalogue as catalogues
from testbed.asked import experiments, until
from testbed.asked.plan import plan
from testbed.asked.why import factorial_of
from testbed.campaign import articles, campaign, versions
from testbed.campaign.course import Watch
from testbed.cli import options, show
from testbed.errors import Exit, TestbedError
from testbed.hosts import inventory, playbook
from testbed.hosts.remotes import held
from testbed.model.article import Series
from testbed.model.base import Model
from testbed.model.experiment import Experiment
from testbed.model.results import CAMPAIGN_FILE, SERIES_FILE, Campaign, Until
from testbed.paths import ROOT
from testbed.progress import Progress
from testbed.run import trying
from testbed.terminal import Terminal
from testbed.texts import shown, shown_name

DEPLOY_APP = "playbooks/app.yml"
LOG = ROOT / ".cache" / "error.log"

Task = Callable[..., None]
# Prints the verdicts of a campaign's folder, with options for that, and returns the exit code;
# without a folder, only refuses options that are wrong
Judge = Callable[[Path | None, list[str]], int]


def reported(body: Task) -> Task:
    """Return a task that shows a TestbedError as its message, and other errors as one line.

    The traceback of an unforeseen error goes to a log. SIGTERM and SIGHUP end a task as Ctrl-C
    does: what it started is stopped first.
    """

    @functools.wraps(body)
    def task(*arguments: Any, **keywords: Any) -> None:
        # paramiko logs tracebacks of connections that fail; the error that it raises says it all
        logging.getLogger("paramiko").addHandler(logging.NullHandler())
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        try:
            body(*arguments, **keywords)
        except TestbedError as error:
            _complain(str(error))
            sys.exit(error.exit_code)
        except OSError as error:  # a full disk, a folder that may not be written
            place = error.filename or f"this machine, writing below {store.folder()}"
            _complain(f"{shown_name(place)}: {error.strerror or error}")
            sys.exit(Exit.NOT_READY)
        except KeyboardInterrupt:
            _complain("interrupted: what was started is stopped, what was finished is kept")
            sys.exit(Exit.INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - the last resort, so that no traceback is shown
            _complain(
                f"a fault in the testbed itself: {shown(error)}\n  -> please report it{_logged()}"
            )
            sys.exit(1)

    return task


def _logged() -> str:
    """Add the traceback to the log. Return where it is, or why it could not be kept."""
    entry = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: {shlex.join(sys.argv)}\n"
    try:
        LOG.parent.mkdir(exist_ok=True)
        with LOG.open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"{entry}{traceback.format_exc()}\n")
    except OSError as error:
        return f"; its traceback could not be kept in {os.path.relpath(LOG)}: {error.strerror}"
    return f" with {os.path.relpath(LOG)}"


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _complain(text: str) -> None:
    Terminal(stderr=True).print(f"error: {text}", highlight=False, markup=False, soft_wrap=True)


def measuring(name: str, doc: str, watch: Watch | None = None) -> Task:
    """Return a task that carries out the experiment `name`, with every option of Options.

    `watch` tells of ratios, for --until.
    """

    def body(context: Context, **given: Any) -> None:
        measure(name, options.read(given), watch)

    return with_options(body, name, doc, [])


def measuring_any(doc: str, watch: Watch | None = None) -> Task:
    """Return a task that carries out the experiment that its first argument names."""

    def body(context: Context, experiment: str, **given: Any) -> None:
        measure(experiment, options.read(given), watch)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return with_options(body, "run", doc, [inspect.Parameter("experiment", kind)])


def measuring_versions(doc: str, judge: Judge, watch: Watch | None = None) -> Task:
    """Return a task that measures two versions of an app, and ends with the exit code of `judge`.

    `judge` prints the verdicts of the campaign in a folder; this package knows nothing of analysis.
    """

    def body(context: Context, experiment: str, **given: Any) -> None:
        measure_versions(experiment, options.read_versions(given), judge, watch)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    first = [inspect.Parameter("experiment", kind)]
    return with_options(body, "run_ab", doc, first, options.VersionOptions)


def measuring_noise(doc: str, judge: Callable[[Path], int]) -> Task:
    """Return a task that measures an app against itself, and ends with the exit code of `judge`.

    `judge` prints the noise that the campaigns in a folder show.
    """

    def body(context: Context, experiment: str, **given: Any) -> None:
        measure_noise(experiment, options.read_noise(given), judge)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    first = [inspect.Parameter("experiment", kind)]
    return with_options(body, "run_aa", doc, first, options.NoiseOptions)


def measuring_why(doc: str, told: Callable[[Path], int]) -> Task:
    """Return a task that measures why two apps differ, and ends with the exit code of `told`.

    `told` prints the shares of the ratio that the campaign in a folder shows.
    """

    def body(context: Context, experiment: str, **given: Any) -> None:
        measure_why(experiment, options.read_why(given), told)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    first = [inspect.Parameter("experiment", kind)]
    return with_options(body, "run_why", doc, first, options.WhyOptions)


def measuring_article(doc: str) -> Task:
    """Return a task that asks the article of its first argument again."""

    def body(context: Context, article: str, **given: Any) -> None:
        measure_article(article, options.read_article(given))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    first = [inspect.Parameter("article", kind)]
    return with_options(body, "run_article", doc, first, options.ArticleOptions)


def with_options(
    body: Task,
    name: str,
    doc: str,
    first: list[inspect.Parameter],
    model: type[Model] = options.Options,
) -> Task:
    """Give `body` the signature that invoke turns into command-line options."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    rest = [
        inspect.Parameter(option, kind, default=default)
        for option, (default, _) in options.defaults(model).items()
    ]
    body.__name__ = name
    body.__doc__ = doc
    task = reported(body)
    task.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("context", kind), *first, *rest]
    )
    return task


def try_apps(given: options.CheckOptions) -> None:
    """Start each app once, ask each of its endpoints, and show what is wrong; then exit code 4."""
    known = catalogues.load(given.apps_path)
    apps = known.chosen(given.apps, given.workload, given.apps_path)
    progress = Progress(Terminal(), quiet=given.quiet)
    with held(inventory.load(given.inventory)) as remotes:
        found = list(trying.each(remotes, known, apps, progress))
    progress.result(show.tried_text(found, quiet=given.quiet))
    if any(one.level == "fail" for one in found):
        sys.exit(Exit.RUN_FAILED)


def deploy_app(name: str, given: options.DeployOptions) -> None:
    """Deploy an app again that site.yml has deployed, and no other."""
    apps = catalogues.load(given.apps_path).chosen([name], given.workload, given.apps_path)
    if len(apps) > 1:
        raise TestbedError(
            f"{name} is an app of several workloads",
            remedy=f"say --workload={'|'.join(app.workload for app in apps)}",
        )
    with held(inventory.load(given.inventory), cleared=False):
        pass  # nobody measures it now
    own = {"testbed_apps_path": str(Path(given.apps_path).resolve())} if given.apps_path else {}
    playbook.play(
        DEPLOY_APP,
        given.inventory,
        ask_password=given.ask_become_pass,
        variables={"testbed_app_unit": apps[0].unit, **own},
    )


def measure(name: str, given: options.Options, watch: Watch | None) -> None:
    """Carry out or resume an experiment, or only print its plan with --dry-run."""
    progress = Progress(Terminal(), quiet=given.quiet)
    if given.resume is not None:
        outcome = _resumed(given.resume, given.inventory, watch, progress)
    else:
        path = experiments.find(name)
        experiment, overridden, asked = _asked(path, given, watch)
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
    _tell(outcome, watch, progress)
    end([outcome], strict=given.strict)


def _asked(
    path: Path, given: options.Options, watch: Watch | None
) -> tuple[Experiment, list[str], Until | None]:
    """Return the experiment as asked for, the keys that options changed, and what is watched."""
    experiment, overridden = experiments.override(experiments.load(path), given.overrides())
    if given.until is None or watch is None:
        return experiment, overridden, None
    metrics = given.metric or []
    watch.check(metrics)
    experiment, asked = until.settle(experiment, given.until, metrics, given.most)
    return experiment, overridden, asked


def measure_versions(
    name: str, given: options.VersionOptions, judge: Judge, watch: Watch | None
) -> None:
    """Deploy two versions of an app and measure them, or only print the plan with --dry-run."""
    progress = Progress(Terminal(), quiet=given.quiet)
    judge(None, given.judging())
    if given.resume is not None:
        outcome = _resumed(given.resume, given.inventory, watch, progress)
    else:
        path = experiments.find(name)
        experiment, overridden, asked = _asked(path, given, watch)
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
            request = versions.Request(
                pair, path.stem, overridden, given.seed, store.folder(), given.inventory,
                ask_password=given.ask_become_pass, until=asked, watch=watch,
            )  # fmt: skip
            outcome = versions.carry_out(request, progress)
    _tell(outcome, watch, progress)
    end([outcome], judge(outcome.folder, given.judging()), strict=given.strict)


def measure_noise(name: str, given: options.NoiseOptions, judge: Callable[[Path], int]) -> None:
    """Measure an app against itself in several campaigns, go on with them, or print the plan."""
    progress = Progress(Terminal(), quiet=given.quiet)
    times = given.repeats or options.REPEATS
    if given.resume is not None:
        folder = results_folder(given.resume)
        outcomes = versions.go_on(
            folder, times, given.inventory, progress, ask_password=given.ask_become_pass
        )
        progress.result(show.repeats_text(folder, outcomes))
        end(outcomes, judge(folder), strict=given.strict)
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
        request = versions.Request(
            pair, path.stem, overridden, given.seed, store.folder(), given.inventory,
            ask_password=given.ask_become_pass,
        )  # fmt: skip
        folder, outcomes = versions.repeat(request, times, progress)
    progress.result(show.repeats_text(folder, outcomes))
    end(outcomes, judge(folder), strict=given.strict)


def measure_why(name: str, given: options.WhyOptions, told: Callable[[Path], int]) -> None:
    """Carry out or resume the factorial of two apps, or only print its plan with --dry-run."""
    progress = Progress(Terminal(), quiet=given.quiet)
    if given.resume is not None:
        outcome = resumed_as("why", given.resume, given.inventory, progress)
    else:
        path = experiments.find(name)
        asked, overridden = experiments.override(experiments.load(path), given.overrides())
        with experiments.placed(path, overridden):
            catalogue = catalogues.load(given.apps_path)
            experiment, why = factorial_of(
                asked, catalogue, given.app or "", given.against or "", given.factors
            )
            runs = plan(experiment, catalogue, given.seed or 0)
            progress.result(show.why_text(why))
            if given.dry_run:
                progress.result(show.plan_text(experiment, runs))
                return
            request = campaign.Request(
                path.stem, experiment, overridden, given.seed, inventory.load(given.inventory),
                store.folder(), apps_path=given.apps_path, why=why,
                folder_name=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-why-{path.stem}",
            )  # fmt: skip
            outcome = campaign.run(request, progress)
    _tell(outcome, None, progress)
    end([outcome], told(outcome.folder), strict=given.strict)


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
    return _resumed(named, hosts, None, progress)


def _resumed(
    named: str, hosts: str | None, watch: Watch | None, progress: Progress
) -> campaign.Outcome:
    """Resume the campaign that the user named, and return its outcome."""
    folder = results_folder(named)
    return campaign.resume(folder, inventory.load(hosts), progress, watch=watch)


def _tell(outcome: campaign.Outcome, watch: Watch | None, progress: Progress) -> None:
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


def measure_article(name: str, given: options.ArticleOptions) -> None:
    """Ask an article again or resume a series, or only print the plan with --dry-run."""
    progress = Progress(Terminal(), quiet=given.quiet)
    if given.resume is not None:
        folder = results_folder(given.resume)
        series = store.read(folder / SERIES_FILE, Series)
        if series.article_name != name:
            raise TestbedError(
                f"{shown_name(folder)} is a series of article {series.article_name}, "
                f"not {shown_name(name)}"
            )
    else:
        series = articles.new_series(
            articles.Request(name, given.modes, given.scale, given.parts, given.trials, given.seed)
        )
        folder = store.folder() / series.series
    if given.dry_run:
        for part, experiment, runs in articles.planned(series):
            progress.result(show.part_text(part, series.scale, experiment, runs))
        return
    outcomes = articles.carry_out(series, folder, inventory.load(given.inventory), progress)
    progress.result(show.series_text(folder, outcomes))
    end(outcomes, strict=given.strict)
