"""List apps, workloads, experiments, settings, results and generators, and describe one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from command.texts import examples
from testbed import store
from testbed.asked import catalogue as catalogues
from testbed.asked import experiments, questions
from testbed.campaign import articles
from testbed.cli import on_hosts, show
from testbed.errors import TestbedError
from testbed.model.article import Series
from testbed.model.campaign import Campaign
from testbed.model.catalogue import CataloguedApp
from testbed.model.results import CAMPAIGN_FILE, RUN_FILE, SERIES_FILE
from testbed.model.setting import Setting
from testbed.terminal import Terminal
from testbed.texts import shown_name
from testbed.tools.table import GENERATORS
from testbed.tools.tool import Generator

AppsPath = Annotated[
    str | None, typer.Option(help="a folder with your own apps, laid out as apps/", metavar="PATH")
]
Row = tuple[str, ...]
LONGEST_WHOLE = 52  # characters of a name that is not wrapped

app = typer.Typer(rich_markup_mode=None)


@dataclass(frozen=True)
class Result:
    """A campaign as `list results` and `status` show it."""

    folder: Path
    campaign: Campaign | None  # None: its file cannot be read
    runs: int  # that have ended

    @property
    def began(self) -> datetime:
        """Return when it began; of one that cannot be read, when its file was written."""
        if self.campaign is not None:
            at = self.campaign.created_at
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        return datetime.fromtimestamp((self.folder / CAMPAIGN_FILE).lstat().st_mtime, UTC)

    @property
    def row(self) -> Row:
        """Return its folder, what it asked, and how far it went."""
        place = shown_name(self.folder.relative_to(store.folder()))
        if self.campaign is None:
            return place, "", f"{CAMPAIGN_FILE} cannot be read"
        course = "" if self.campaign.ended_at else ", not ended"
        return place, self.campaign.title, f"{self.runs} of {len(self.campaign.runs)} runs{course}"


def table(heads: Sequence[str], rows: Sequence[Row]) -> None:
    """Print rows in columns, each as wide as it needs, the last one wrapped.

    Names are not cut in two, but for very long ones. Where nobody looks, a row is a line.
    """
    told = [tuple(map(shown_name, row)) for row in rows]
    terminal = Terminal(markup=False, highlight=False)
    if not terminal.is_terminal:
        _plainly([tuple(heads), *told])
        return
    shown = Table(*heads[:-1], box=None, pad_edge=False, header_style="bold")
    for column in shown.columns:
        column.overflow = "fold"
    shown.columns[0].no_wrap = max((len(row[0]) for row in told), default=0) <= LONGEST_WHOLE
    shown.add_column(heads[-1], overflow="fold", ratio=1)
    for row in told:
        shown.add_row(*row)
    terminal.print(shown)


def _plainly(rows: Sequence[Row]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        on_hosts.say("  ".join(cells).rstrip())


def results() -> list[Result]:
    """Return all campaigns of the results folder, the latest first; those of series as well."""
    found = store.folder()
    files = [*found.glob(f"*/{CAMPAIGN_FILE}"), *found.glob(f"*/*/{CAMPAIGN_FILE}")]
    folders = {path.parent for path in files if not path.parent.is_symlink()}
    own = [one for one in folders if not any(parent.is_symlink() for parent in one.parents)]
    return sorted(map(_result, own), key=lambda one: (one.began, one.folder), reverse=True)


def _result(folder: Path) -> Result:
    runs = len([*folder.glob(f"[0-9]*/{RUN_FILE}")])
    try:
        campaign, _ = store.read_as_found(folder / CAMPAIGN_FILE, Campaign)
    except TestbedError:
        return Result(folder, None, runs)
    return Result(folder, campaign, runs)


def experiment_names() -> list[str]:
    """Return the names of the project's experiments."""
    return sorted(path.stem for path in experiments.EXPERIMENTS_FOLDER.glob("*.yml"))


def app_names() -> list[str]:
    """Return the names of the project's apps, from their folders."""
    return sorted({path.parent.name for path in catalogues.APPS_FOLDER.glob("*/*/app.yml")})


def workload_names() -> list[str]:
    """Return the names of the project's workloads, from their folders."""
    return sorted(path.parent.name for path in catalogues.APPS_FOLDER.glob("*/workload.yml"))


def all_names() -> list[str]:
    """Return every name that `testbed info` can describe, besides those of results."""
    measured = {*experiment_names(), *articles.names(), *questions.names()}
    return sorted({*app_names(), *workload_names(), *measured, *GENERATORS})


@app.command("apps", epilog=examples("list"))
def apps(apps_path: AppsPath = None) -> None:
    """List the apps, by workload."""
    known = catalogues.load(apps_path).apps
    table(("workload", "app", "what"), [(one.workload, one.name, one.spec.title) for one in known])


@app.command("workloads", epilog=examples("list"))
def workloads(apps_path: AppsPath = None) -> None:
    """List the workloads, and the endpoints that each asks."""
    known = catalogues.load(apps_path).workloads
    rows = [(name, ", ".join(one.endpoints), one.title) for name, one in sorted(known.items())]
    table(("workload", "endpoints", "what"), rows)


@app.command("experiments", epilog=examples("list"))
def list_experiments() -> None:
    """List the experiments (`testbed run`), articles and questions, with their commands."""
    rows = [
        *(("run", name, experiments.load(experiments.find(name)).title)
          for name in experiment_names()),
        *(("article", name, articles.title(name)) for name in articles.names()),
        *(("question", name, questions.load(questions.find(name)).title)
          for name in questions.names()),
    ]  # fmt: skip
    table(("command", "name", "what"), rows)


@app.command("questions", epilog=examples("list"))
def list_questions() -> None:
    """List the questions that somebody has to decide, and what each compares."""
    known = {name: questions.load(questions.find(name)) for name in questions.names()}
    rows = [(name, one.workload, ", ".join(one.stacks), one.title) for name, one in known.items()]
    table(("question", "workload", "stacks", "what"), rows)


@app.command("settings", epilog=examples("list"))
def settings(apps_path: AppsPath = None) -> None:
    """List the settings that an experiment may vary, by app."""
    known = catalogues.load(apps_path).apps
    table(("app", "setting", "default", "what"), [row for one in known for row in _settings(one)])


@app.command("results", epilog=examples("list"))
def list_results() -> None:
    """List the campaigns of the results folder, the latest first."""
    found = results()
    if not found:
        Terminal(markup=False, highlight=False).print(f"none in {shown_name(store.folder())}")
        return
    table(("campaign", "what", "course"), [one.row for one in found])


@app.command("generators", epilog=examples("list"))
def list_generators() -> None:
    """List the load generators, and what each can do."""
    table(("generator", "what it can do"), [(one.name, _can(one)) for one in GENERATORS.values()])


def _settings(one: CataloguedApp) -> Iterator[Row]:
    for name, setting in one.spec.settings.items():
        yield f"{one.workload}/{one.name}", name, f"{setting.default}", setting.description


def _others(setting: Setting) -> str:
    alike = "or " if setting.choices else ""
    return f" ({alike}{setting.others})" if setting.others else ""


def _can(one: Generator) -> str:
    abilities = {
        "as fast as answers come": one.saturates,
        "a constant rate": one.holds_a_rate,
        "Poisson arrivals": one.draws_arrivals,
        "counts what was never sent": one.counts_unsent,
        "mixes of requests": one.mixes,
    }
    return ", ".join(what for what, can in abilities.items() if can)


def tell(name: str, apps_path: str | None) -> None:
    """Print what is known of a name. Raises TestbedError if nothing is."""
    known = catalogues.load(apps_path)
    facts = [
        *(_of_app(one) for one in known.apps if name in (one.name, f"{one.workload}/{one.name}")),
        *([_of_workload(known, name)] if name in known.workloads else []),
        *([_of_experiment(name)] if name in experiment_names() else []),
        *([f"article {name}: {articles.title(name)}\n  testbed article {name} --dry-run"]
          if name in articles.names() else []),
        *([_of_question(name)] if name in questions.names() else []),
        *([f"generator {name}: {_can(GENERATORS[name])}"] if name in GENERATORS else []),
        *_of_results(name),
    ]  # fmt: skip
    if not facts:
        names = {*all_names(), *known.workloads, *(one.name for one in known.apps)}
        raise catalogues.unknown("name", name, names, also="or a campaign of `list results`")
    text = "\n\n".join(facts)
    Terminal().print(text, highlight=False, markup=False, soft_wrap=True)


def _described(what: str, description: str, *lines: str) -> str:
    """Return what a thing is, its description, and further lines, indented below."""
    return "\n".join(
        [what, show.wrapped(f"  {description}", "  "), *(f"  {line}" for line in lines)]
    )


def _of_app(one: CataloguedApp) -> str:
    return _described(
        f"app {one.workload}/{one.name}: {one.spec.title}",
        one.spec.description,
        f"file: {shown_name(one.file)}",
        f"endpoints: {', '.join(one.spec.endpoints)}",
        *(show.wrapped(f"  setting {name}={setting.default}{_others(setting)}: "
                       f"{setting.description}", "    ").lstrip()
          for name, setting in one.spec.settings.items()),
    )  # fmt: skip


def _of_workload(known: catalogues.Catalogue, name: str) -> str:
    one = known.workload(name)
    return _described(
        f"workload {name}: {one.title}",
        one.description,
        f"endpoints: {', '.join(one.endpoints)}",
        f"services: {', '.join(one.services) or 'none'}",
        f"apps: {', '.join(known.apps_of(name))}",
    )


def _of_experiment(name: str) -> str:
    path = experiments.find(name)
    one = experiments.load(path)
    return _described(
        f"experiment {name}: {one.title}",
        one.description,
        f"file: {shown_name(path)}",
        f"workload: {one.workload}; {one.trials} trials",
        f"testbed run {name} --dry-run",
    )


def _of_question(name: str) -> str:
    path = questions.find(name)
    one = questions.load(path)
    return _described(
        f"question {name}: {one.title}",
        one.decision,
        f"file: {shown_name(path)}",
        f"workload: {one.workload}; stacks: {', '.join(one.stacks)}",
        f"testbed question {name} --dry-run",
    )


def _of_results(name: str) -> Iterator[str]:
    for one in results():
        if name in (one.folder.name, str(one.folder.relative_to(store.folder()))):
            place, title, course = one.row
            report = f"testbed report {shown_name(one.folder)}"
            yield f"campaign {place}: {title}\n  {course}\n  {report}"
    for path in store.folder().glob(f"*/{SERIES_FILE}"):
        if path.parent.name == name:
            series = store.read(path, Series)
            parts = [one.campaign for one in series.parts]
            yield _described(
                f"series {shown_name(name)}: {series.article.title}",
                f"campaigns: {', '.join(parts)}",
                f"testbed report {shown_name(path.parent)}",
            )
