"""Define what `fab --list` shows. Each task only reads its options and calls testbed/."""

import functools
import sys

import fabric
import fabric.main
from invoke.collection import Collection
from invoke.context import Context

from command import judging
from testbed import store
from testbed.cli import (
    asking,
    comparing,
    explaining,
    measuring,
    on_hosts,
    options,
    program,
    published,
    reproducing,
    tasks,
)

# It is fab that loads this file, so that its program cannot be chosen beforehand
fabric.main.program.__class__ = program.Program

HELP = {name: text for name, (_, text) in options.defaults().items()}
ARTICLE_HELP = {n: text for n, (_, text) in options.defaults(options.ArticleOptions).items()}
VERSION_HELP = {n: text for n, (_, text) in options.defaults(options.VersionOptions).items()}
WHY_HELP = {n: text for n, (_, text) in options.defaults(options.WhyOptions).items()}
NOISE_HELP = {n: text for n, (_, text) in options.defaults(options.NoiseOptions).items()}
CHECK_HELP = {n: text for n, (_, text) in options.defaults(options.CheckOptions).items()}
DEPLOY_HELP = {n: text for n, (_, text) in options.defaults(options.DeployOptions).items()}
REPRODUCE_HELP = {
    n: text for n, (_, text) in options.defaults(reproducing.ReproduceOptions).items()
}
QUESTION_HELP = {n: text for n, (_, text) in options.defaults(asking.QuestionOptions).items()}
LINK_HELP = {n: text for n, (_, text) in options.defaults(options.LinkOptions).items()}
# Long options only: invoke would choose letters itself, and -i would not name the inventory
task = functools.partial(fabric.task, auto_shortflags=False)
LAB_HELP = {"name": "of the lab; default: $TESTBED_LAB, else 'lab'"}


# All options here default to None: with a number as default, invoke would convert the value itself,
# and a value that is not a number would end in a traceback
@task(help=LINK_HELP)
@tasks.reported
def link(context: Context, inventory: str | None = None, duration: str | None = None) -> None:
    """Verify the data link: its rate both ways at once, round trip, NICs."""
    on_hosts.verify_link(options.read_link({"inventory": inventory, "duration": duration}))


def _check(context: Context, **given: object) -> None:
    on_hosts.check(options.read_check(given))


def _deploy(context: Context, app: str, **given: object) -> None:
    on_hosts.deploy_app(app, options.read_deploy(given))


@task(help=LAB_HELP)
@tasks.reported
def up(context: Context, name: str | None = None) -> None:
    """Bring the lab up: two hosts and a link on this machine."""
    on_hosts.lab_up(name)


@task(help=LAB_HELP)
@tasks.reported
def status(context: Context, name: str | None = None) -> None:
    """Show which parts of the lab are up."""
    on_hosts.lab_status(name)


@task(help=LAB_HELP)
@tasks.reported
def down(context: Context, name: str | None = None) -> None:
    """Take the lab down and remove everything that belongs to it."""
    on_hosts.lab_down(name)


def _analysis(*arguments: str) -> None:
    """Do the same as `python -m analysis`, and end with its exit code."""
    from analysis.__main__ import main  # its libraries take a second that no other task needs

    code = main(arguments)
    if code:
        sys.exit(code)


@task(
    iterable=["metric", "more"],
    help={
        "a": "folder of the campaign to compare with; or one that has two versions of an app",
        "b": "folder of the campaign to judge; left out: the new one of two versions",
        "more": "folder of a further campaign to judge; may be repeated",
        "format": "table, html, markdown, junit, json, github-bigger, github-smaller or bencher",
        "out": "write it into this file, and print the tally",
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
    more: list[str] | None = None,
    tolerance: str | None = None,
    between: str | None = None,
    wanted: str | None = None,
    format: str | None = None,
    out: str | None = None,
    json: bool = False,
) -> None:
    """Tell whether B is better or worse than A; exit code 6 if any cell is worse."""
    metrics = [f"--metric={key}" for key in metric or []]
    given = {
        "tolerance": tolerance, "between": between, "wanted": wanted, "format": format, "out": out,
    }  # fmt: skip
    limits = [f"--{name}={value}" for name, value in given.items() if value is not None]
    _analysis(
        "compare",
        a,
        *([] if b == program.NONE else [b]),
        *(more or []),
        *metrics,
        *limits,
        *(["--json"] if json else []),
    )


@task(help={"campaign": "folder of a campaign or of a series; default: the latest"})
@tasks.reported
def report(context: Context, campaign: str | None = None) -> None:
    """Write tables, charts and an HTML page of a campaign."""
    _analysis("report", str(store.folder() / "latest") if campaign is None else campaign)


def of_round(name: str, doc: str) -> object:
    """Return the task of one of the three rounds."""
    return task(measuring.measuring(name, doc, judging.WATCH), help=HELP)


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
            ["app"],
            options.DeployOptions,
        ),
        help=DEPLOY_HELP,
    ),
    run_calibration=of_round("calibration", "Round 1: load from the server itself, over loopback."),
    run_round2=of_round("round2", "Round 2: 4000 requests/s over the link, for 5 minutes."),
    run_round3=of_round("round3", "Round 3: 10 requests/s over the link, for 30 s."),
    run=task(
        measuring.measuring_any("Carry out an experiment: its name, or its file.", judging.WATCH),
        help=HELP,
    ),
    run_ab=task(
        comparing.measuring_versions(
            "Compare two versions of an app, measured side by side.", judging.judge, judging.WATCH
        ),
        help=VERSION_HELP,
    ),
    run_aa=task(
        comparing.measuring_noise(
            "Measure an app against itself: the noise of this place.", judging.noise
        ),
        help=NOISE_HELP,
    ),
    run_why=task(
        explaining.measuring_why("Why do two apps differ? The share of each factor.", judging.why),
        help=WHY_HELP,
    ),
    run_article=task(
        published.measuring_article(
            "Ask a published comparison again: as published, fair or both."
        ),
        help=ARTICLE_HELP,
    ),
    run_question=task(
        asking.asking("Ask a question that somebody has to decide.", judging.question),
        help=QUESTION_HELP,
    ),
    reproduce=task(
        reproducing.reproducing(
            "Repeat a campaign from its archive (python -m analysis bundle), and compare.",
            judging.agree,
            judging.WATCH,
        ),
        help=REPRODUCE_HELP,
    ),
    lab=Collection(up, status, down),
)
