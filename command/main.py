"""Define the commands of `testbed`. Each only reads its options and calls testbed/ or analysis/."""

import os
import sys
import tomllib
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from command import completion, doctor, judging, listing, parameters, status
from command.texts import APP, EXPERIMENT, QUESTION, examples
from testbed import called, store
from testbed.asked import questions
from testbed.campaign import articles
from testbed.cli import (
    asking,
    comparing,
    explaining,
    measuring,
    on_hosts,
    options,
    published,
    reproducing,
    tasks,
)
from testbed.errors import TestbedError
from testbed.hosts import playbook
from testbed.paths import ROOT
from testbed.texts import nearest, plain, shown_name

NAME = called.TESTBED
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(name=NAME, rich_markup_mode=None, pretty_exceptions_enable=False)
lab = typer.Typer(rich_markup_mode=None)
app.add_typer(lab, name="lab", help="Bring the lab, two hosts on this machine, up or down.")
app.add_typer(listing.app, name="list", help="List what there is, a line each.")


@app.callback(
    invoke_without_command=True,
    epilog=examples("start"),
)
def start(
    context: typer.Context,
    results: Annotated[
        str | None,
        typer.Option(
            help="folder of results; default: $TESTBED_RESULTS, else results/ here", metavar="PATH"
        ),
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
) -> None:
    """Measure web frameworks with two hosts and a link, and report figures that can be trusted.

    Works from any folder: results and your own apps are those of the current folder or of the
    options; all else belongs to the project.
    """
    if results is not None:
        if not results:
            raise TestbedError("--results: names no folder; leave it out for results/")
        place = Path(results).resolve()
        if place.exists() and not place.is_dir():
            raise TestbedError(f"--results: {shown_name(results)} is no folder")
        os.environ[store.FOLDER_VARIABLE] = str(place)
    if version:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        on_hosts.say(f"testbed {project['project']['version']}")
    elif context.invoked_subcommand is None:
        on_hosts.say(context.get_help())


LabName = Annotated[
    str | None, typer.Option(help="of the lab; default: $TESTBED_LAB, else 'lab'", metavar="NAME")
]


@lab.command(epilog=examples("lab up"))
def up(name: LabName = None) -> None:
    """Bring the lab up: two hosts and a link on this machine. Needs root."""
    on_hosts.lab_up(name)


@lab.command(epilog=examples("lab down"))
def down(name: LabName = None) -> None:
    """Take the lab down and remove everything that belongs to it."""
    on_hosts.lab_down(name)


@lab.command("status", epilog=examples("lab status"))
def lab_status(name: LabName = None) -> None:
    """Show which parts of the lab are up."""
    on_hosts.lab_status(name)


@app.command(context_settings=PASSED_ON, epilog=examples("provision"))
def provision(context: typer.Context) -> None:
    """Set both hosts up by site.yml; takes ansible-playbook's options."""
    playbook.provision(context.args)


def _link(**given: object) -> None:
    """Verify the data link: rate both ways at once, round trip, NICs."""
    on_hosts.verify_link(options.read_link(given))


def _check(**given: object) -> None:
    """Are the hosts fit to measure? With --apps: do the apps answer?"""
    on_hosts.check(options.read_check(given))


def _deploy(app: str, **given: object) -> None:
    """Deploy one app again that has changed, and no other."""
    on_hosts.deploy_app(app, options.read_deploy(given))


def _run(experiment: str, **given: object) -> None:
    """Carry out an experiment: a round, or a file of your own."""
    measuring.measure(experiment, options.read(given), judging.WATCH)


def _article(article: str, **given: object) -> None:
    """Ask a published comparison again: as published, fair or both."""
    published.measure_article(article, options.read_article(given))


def _ab(experiment: str, **given: object) -> None:
    """Compare two versions of an app, measured side by side."""
    asked = options.read_versions(given)
    comparing.measure_versions(experiment, asked, judging.judge, judging.WATCH)


def _aa(experiment: str, **given: object) -> None:
    """Measure an app against itself: the noise of this place."""
    comparing.measure_noise(experiment, options.read_noise(given), judging.noise)


def _why(experiment: str, **given: object) -> None:
    """Say why two apps differ: each factor's share in their ratio."""
    explaining.measure_why(experiment, options.read_why(given), judging.why)


def _question(question: str, **given: object) -> None:
    """Ask a question that somebody has to decide."""
    asking.ask(question, asking.read(given), judging.question)


def _reproduce(bundle: str, **given: object) -> None:
    """Repeat a campaign from its archive; say which figures agree."""
    asked = options.typed(reproducing.ReproduceOptions, given)
    reproducing.repeat(Path(bundle), asked, judging.agree, judging.WATCH)


_experiment = parameters.argument("experiment", EXPERIMENT, listing.experiment_names)
for name, body, model, first in (
    ("link", _link, options.LinkOptions, ()),
    ("check", _check, options.CheckOptions, ()),
    ("deploy", _deploy, options.DeployOptions, (
        parameters.argument("app", APP, listing.app_names),
    )),
    ("run", _run, options.Options, (_experiment,)),
    ("article", _article, options.ArticleOptions, (
        parameters.argument("article", "one of `testbed list experiments`", articles.names),
    )),
    ("ab", _ab, options.VersionOptions, (_experiment,)),
    ("aa", _aa, options.NoiseOptions, (_experiment.replace(default="round3"),)),
    ("why", _why, options.WhyOptions, (_experiment,)),
    ("question", _question, asking.QuestionOptions, (
        parameters.argument("question", QUESTION, questions.names),
    )),
    ("reproduce", _reproduce, reproducing.ReproduceOptions, (
        parameters.argument("bundle", "an archive that `testbed bundle` wrote"),
    )),
):  # fmt: skip
    app.command(name, epilog=examples(name))(parameters.command(body, model, first))


def for_analysis(name: str, words: list[str]) -> list[str]:
    """Return the words for `python -m analysis`. A report without a folder is of the latest."""
    named = any(not word.startswith("-") for word in words)
    if name == "report" and not named and "--help" not in words:
        words = [*words, str(store.folder() / "latest")]
    return [name, *words]


def _analysis(name: str, doc: str) -> None:
    """Add a command that does the same as `python -m analysis` with that name."""

    def command(context: typer.Context) -> None:
        from analysis.__main__ import main as analysis  # its libraries take a second

        if code := analysis(for_analysis(name, context.args), NAME):
            sys.exit(code)

    command.__doc__ = doc
    reads = app.command(
        name, cls=completion.Reading, context_settings=PASSED_ON, add_help_option=False
    )
    reads(command)


for name, doc in (
    ("report", "Write tables, charts and a page of a campaign, or the latest."),
    ("compare", "Tell whether a campaign is better or worse than another."),
    ("parse", "Print the figures of a tool's output, as JSON or as a table."),
    ("reparse", "Read the raw outputs of a campaign again and say what differs."),
    ("noise", "Say how much figures vary here, from an app against itself."),
    ("export", "Write tidy tables of campaigns, as CSV or Parquet."),
    ("serve", "Show results in a browser: reports, history, comparisons."),
    ("bundle", "Pack a campaign into an archive for others to check and repeat."),
):
    _analysis(name, doc)


@app.command(epilog=examples("info"))
def info(
    name: Annotated[
        str,
        typer.Argument(
            help="of an app, workload, experiment, article, generator or campaign",
            autocompletion=parameters.offering(listing.all_names),
        ),
    ],
    apps_path: listing.AppsPath = None,
) -> None:
    """Tell what is known of a name."""
    listing.tell(name, apps_path)


Inventory = Annotated[str | None, typer.Option(help=options.INVENTORY_HELP, metavar="PATH")]


@app.command("status", epilog=examples("status"))
def status_(inventory: Inventory = None) -> None:
    """Show hosts, link, what runs, and the latest results."""
    status.show(inventory)


@app.command("doctor", epilog=examples("doctor"))
def doctor_(inventory: Inventory = None) -> None:
    """Find out what is missing to measure, and how to mend it."""
    doctor.examine(inventory)


def run(words: list[str]) -> None:
    """Carry out one command. Raises SystemExit, and TestbedError for a wrong command line."""
    os.environ.setdefault(store.FOLDER_VARIABLE, str(Path("results").resolve()))
    with called.by(called.TESTBED):
        _carry_out(words)


def _carry_out(words: list[str]) -> None:
    try:
        code = app(words, prog_name=NAME, standalone_mode=False)
    except TyperException as error:
        raise _refusal(error) from error
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    if isinstance(code, int) and code:
        sys.exit(code)


def _refusal(error: TyperException) -> TestbedError:
    """Return typer's error as one of the testbed's; of an option that there is not, the nearest."""
    context = getattr(error, "ctx", None)
    remedy = f"`{getattr(context, 'command_path', NAME)} --help` says what it takes"
    message = " ".join(plain(error.format_message()).split())
    if (typed := getattr(error, "option_name", None)) and hasattr(error, "possibilities"):
        known = [one for taken in context.command.params for one in taken.opts] if context else []
        near = nearest(typed, known)
        message = f"No such option: {shown_name(typed)}"
        remedy = f"did you mean '{near}'? {remedy}" if near else remedy
    return TestbedError(message, remedy=remedy)


def main() -> None:
    """Carry out the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what the terminal's encoding lacks is escaped
            stream.reconfigure(errors="backslashreplace")
    tasks.reported(run)(sys.argv[1:])
