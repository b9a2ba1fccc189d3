"""Define what `fab --list` shows. Each task only reads its options and calls testbed/."""

import functools
import inspect
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import fabric
import fabric.main
from invoke.collection import Collection
from invoke.context import Context

from testbed import lab, store
from testbed.campaign.course import Watch
from testbed.cli import options, program, show, tasks
from testbed.errors import Exit
from testbed.fitness import shown
from testbed.hosts import fit, hosts
from testbed.hosts import inventory as inventories
from testbed.hosts import link as links
from testbed.hosts.remotes import at_once, held
from testbed.lab import names
from testbed.progress import Progress
from testbed.terminal import Terminal

# It is fab that loads this file, so that its program cannot be chosen beforehand
fabric.main.program.__class__ = program.Program

HELP = {name: text for name, (_, text) in options.defaults().items()}
ARTICLE_HELP = {n: text for n, (_, text) in options.defaults(options.ArticleOptions).items()}
VERSION_HELP = {n: text for n, (_, text) in options.defaults(options.VersionOptions).items()}
WHY_HELP = {n: text for n, (_, text) in options.defaults(options.WhyOptions).items()}
NOISE_HELP = {n: text for n, (_, text) in options.defaults(options.NoiseOptions).items()}
CHECK_HELP = {n: text for n, (_, text) in options.defaults(options.CheckOptions).items()}
DEPLOY_HELP = {n: text for n, (_, text) in options.defaults(options.DeployOptions).items()}
LINK_HELP = {n: text for n, (_, text) in options.defaults(options.LinkOptions).items()}
# Long options only: invoke would choose letters itself, and -i would not name the inventory
task = functools.partial(fabric.task, auto_shortflags=False)
LAB_HELP = {"name": "of the lab; default: $TESTBED_LAB, else 'lab'"}


def _say(text: str) -> None:
    Terminal().print(text, highlight=False, markup=False, soft_wrap=True)


# All options here default to None: with a number as default, invoke would convert the value itself,
# and a value that is not a number would end in a traceback
@task(help=LINK_HELP)
@tasks.reported
def link(context: Context, inventory: str | None = None, duration: str | None = None) -> None:
    """Verify the data link: its rate both ways at once, round trip, NICs."""
    given = options.read_link({"inventory": inventory, "duration": duration})
    folder = store.folder() / "link" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with held(inventories.load(given.inventory)) as remotes:
        record = links.measure(remotes, Progress(Terminal()), folder, given.duration)
    _say(show.link_text(record))
    if not record.ok:
        sys.exit(Exit.NOT_READY)


def _check(context: Context, **given: object) -> None:
    asked = options.read_check(given)
    if asked.of_apps:
        tasks.try_apps(asked)
        return
    with held(inventories.load(asked.inventory), cleared=False) as remotes:
        if asked.fix:
            fit.fix(asked.inventory, ask_password=asked.ask_become_pass)
        ahead_s = at_once(remotes, hosts.clock_offset_s)
        found = fit.check(remotes, ahead_s)
    Terminal().print(shown.table(found, quiet=asked.quiet), highlight=False, markup=False)
    if code := fit.exit_code(found, strict=asked.strict):
        sys.exit(code)


def _deploy(context: Context, app: str, **given: object) -> None:
    tasks.deploy_app(app, options.read_deploy(given))


def _lab_name(given: str | None) -> str:
    """Return the name of the lab. An empty name is an error: it must not mean another lab."""
    return names.name_from(os.environ) if given is None else given


@task(help=LAB_HELP)
@tasks.reported
def up(context: Context, name: str | None = None) -> None:
    """Bring the lab up: two hosts and a link on this machine."""
    lab.up(_lab_name(name), _say)


@task(help=LAB_HELP)
@tasks.reported
def status(context: Context, name: str | None = None) -> None:
    """Show which parts of the lab are up."""
    _say(str(lab.status(_lab_name(name))))


@task(help=LAB_HELP)
@tasks.reported
def down(context: Context, name: str | None = None) -> None:
    """Take the lab down and remove everything that belongs to it."""
    lab.down(_lab_name(name), _say)


def _analysis(*arguments: str) -> None:
    """Do the same as `python -m analysis`, and end with its exit code."""
    from analysis.__main__ import main  # its libraries take a second that no other task needs

    code = main(arguments)
    if code:
        sys.exit(code)


@task(
    iterable=["metric"],
    help={
        "a": "folder of the campaign to compare with; or one that has two versions of an app",
        "b": "folder of the campaign to judge; left out: the new one of two versions",
        "metric": "a figure by its column in table.csv; may be repeated",
        "tolerance": "percent up to which both are the same; default: 5",
        "between": "standard deviation of campaigns, percent; default: as fab run-aa measured it",
        "wanted": "a difference to be shown, percent: says how many trials that takes",
        "json": "print JSON, not tables",
    },
)
@tasks.reported
def compare(
    context: Context,
    a: str,
    b: str,
    metric: list[str] | None = None,
    tolerance: str | None = None,
    between: str | None = None,
    wanted: str | None = None,
    json: bool = False,
) -> None:
    """Tell whether B is better or worse than A; exit code 6 if any cell is worse."""
    metrics = [f"--metric={key}" for key in metric or []]
    given = {"tolerance": tolerance, "between": between, "wanted": wanted}
    limits = [f"--{name}={value}" for name, value in given.items() if value is not None]
    _analysis(
        "compare",
        a,
        *([] if b == program.NONE else [b]),
        *metrics,
        *limits,
        *(["--json"] if json else []),
    )


@task(help={"campaign": "folder of a campaign or of a series; default: the latest"})
@tasks.reported
def report(context: Context, campaign: str | None = None) -> None:
    """Write tables, charts and an HTML page of a campaign."""
    _analysis("report", str(store.folder() / "latest") if campaign is None else campaign)


def _judge(folder: Path | None, given: list[str]) -> int:
    """Print the verdicts on two versions; without a folder, only check the options."""
    from analysis.__main__ import main
    from analysis.compare.show import check_options

    if folder is None:
        check_options(given)
        return 0
    return main(["compare", str(folder), *given])


def _noise(folder: Path) -> int:
    from analysis.__main__ import main

    return main(["noise", str(folder)])


def _why(folder: Path) -> int:
    from analysis.__main__ import main

    return main(["why", str(folder)])


def _until() -> ModuleType:
    from analysis.compare import until

    return until


WATCH = Watch(
    check=lambda metrics: _until().check(metrics),
    trials_needed=lambda folder: int(_until().trials_needed(folder)),
    told=lambda folder: str(_until().told(folder)),
)


def measuring(name: str, doc: str) -> object:
    """Return the task of one of the three rounds."""
    return task(tasks.measuring(name, doc, WATCH), help=HELP)


namespace = Collection(
    link,
    compare,
    report,
    check=task(
        tasks.with_options(
            _check,
            "check",
            "Are the hosts fit to measure? With --apps: do the apps answer?",
            [],
            options.CheckOptions,
        ),
        help=CHECK_HELP,
    ),
    deploy=task(
        tasks.with_options(
            _deploy,
            "deploy",
            "Deploy one app again that has changed, and no other.",
            [inspect.Parameter("app", inspect.Parameter.POSITIONAL_OR_KEYWORD)],
            options.DeployOptions,
        ),
        help=DEPLOY_HELP,
    ),
    run_calibration=measuring(
        "calibration", "Round 1: load from the server itself, over loopback."
    ),
    run_round2=measuring("round2", "Round 2: 4000 requests/s over the link, for 5 minutes."),
    run_round3=measuring("round3", "Round 3: 10 requests/s over the link, for 30 s."),
    run=task(
        tasks.measuring_any("Carry out an experiment: its name, or its file.", WATCH), help=HELP
    ),
    run_ab=task(
        tasks.measuring_versions(
            "Compare two versions of an app, measured side by side.", _judge, WATCH
        ),
        help=VERSION_HELP,
    ),
    run_aa=task(
        tasks.measuring_noise("Measure an app against itself: the noise of this place.", _noise),
        help=NOISE_HELP,
    ),
    run_why=task(
        tasks.measuring_why("Why do two apps differ? The share of each factor.", _why),
        help=WHY_HELP,
    ),
    run_article=task(
        tasks.measuring_article("Ask a published comparison again: as published, fair or both."),
        help=ARTICLE_HELP,
    ),
    lab=Collection(up, status, down),
)
