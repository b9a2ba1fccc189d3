"""Define the task that asks a published comparison again."""

from typing import Any

from invoke.context import Context

from testbed import store
from testbed.campaign import articles
from testbed.cli import measuring, options, show, tasks
from testbed.errors import TestbedError
from testbed.hosts import inventory
from testbed.model.article import Series
from testbed.model.results import SERIES_FILE
from testbed.progress import Progress
from testbed.terminal import Terminal
from testbed.texts import shown_name


def measuring_article(doc: str) -> tasks.Task:
    """Return a task that asks the article of its first argument again."""

    def body(context: Context, article: str, **given: Any) -> None:
        measure_article(article, options.read_article(given))

    return tasks.with_options(body, "run_article", doc, ["article"], options.ArticleOptions)


def measure_article(name: str, given: options.ArticleOptions) -> None:
    """Ask an article again or resume a series, or only print the plan with --dry-run."""
    progress = Progress(Terminal(), quiet=given.quiet)
    if given.resume is not None:
        folder = measuring.results_folder(given.resume)
        series = store.read(folder / SERIES_FILE, Series)
        if series.article_name != name:
            raise TestbedError(
                f"{shown_name(folder)} is a series of article {series.article_name}, "
                f"not {shown_name(name)}"
            )
    else:
        series = articles.new_series(
            articles.ArticleRequest(
                name, given.modes, given.scale, given.parts, given.trials, given.seed
            )
        )
        folder = store.folder() / series.series
    if given.dry_run:
        for part, experiment, runs in articles.planned(series):
            progress.result(show.part_text(part, series.scale, experiment, runs))
        return
    outcomes = articles.carry_out(series, folder, inventory.load(given.inventory), progress)
    progress.result(show.series_text(folder, outcomes))
    measuring.end(outcomes, strict=given.strict)
