"""Ask published comparisons again, in a series of campaigns: one for each part of an article.

`results/<series>/series.json` is written first, with everything that the verdicts need. Each
campaign has a folder beside it, and is carried out, interrupted and resumed like any other.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from testbed import store
from testbed.asked import catalogue, loads, yamlfile
from testbed.asked.experiments import EXPERIMENTS_FOLDER
from testbed.asked.order import SEEDS, seed_of_part
from testbed.asked.plan import plan
from testbed.campaign import campaign
from testbed.campaign.campaign import Outcome
from testbed.campaign.part import carry_out as carry_out_campaign
from testbed.errors import TestbedError
from testbed.hosts.inventory import Inventory
from testbed.model.article import Article, CellRef, Mode, Published, Scale, Series, SeriesPart
from testbed.model.experiment import Experiment, PlannedRun
from testbed.model.results import SERIES_FILE
from testbed.progress import Progress

ARTICLES = EXPERIMENTS_FOLDER / "articles"
PUBLISHED = EXPERIMENTS_FOLDER / "published"


@dataclass(frozen=True)
class ArticleRequest:
    """What the user asked for. `parts` is None for all parts."""

    name: str
    modes: Sequence[Mode]
    scale: Scale
    parts: Sequence[str] | None
    trials: int | None  # None for the number in the article's file
    seed: int | None


def names() -> list[str]:
    """Return the names of the articles that can be asked again."""
    return sorted(path.stem for path in ARTICLES.glob("*.yml"))


def title(name: str) -> str:
    """Return the title of an article, without checking all that its files name."""
    return yamlfile.load(ARTICLES / f"{name}.yml", Article).title


def load(name: str) -> tuple[Article, Published]:
    """Return an article's two files. Raises TestbedError with file, line and key of each error."""
    if name not in names():
        raise catalogue.unknown("article", name, names())
    article = yamlfile.load(ARTICLES / f"{name}.yml", Article, loads.check_article)
    published = yamlfile.load(PUBLISHED / f"{name}.yml", Published)
    apps = catalogue.load()
    modes: tuple[Mode, ...] = get_args(Mode)
    scales: tuple[Scale, ...] = get_args(Scale)
    for mode in modes:
        parts = [SeriesPart(mode=mode, part=p, campaign=p) for p in article.asked(mode).parts]
        for scale in scales:
            planned = {
                part.part: plan(_experiment(article, part, scale), apps, 0) for part in parts
            }
            cells = {_cell(part, run) for part, runs in planned.items() for run in runs}
            for what, cell in _cells_named(published, mode):
                if cell not in cells:
                    raise TestbedError(
                        f"{PUBLISHED / name}.yml: {what}: {mode} measures no {_words(cell)}",
                        remedy="name a part, app, endpoint and variant that it has",
                    )
    return article, published


def _cell(part: str, run: PlannedRun) -> CellRef:
    return CellRef(part=part, app=run.app, endpoint=run.endpoint, variant=run.variant)


def _cells_named(published: Published, mode: Mode) -> Iterator[tuple[str, CellRef]]:
    """Yield every cell of this mode that a figure or claim names, after the name of that."""
    if mode == "as_published":
        for number, figure in enumerate(published.figures):
            yield f"figures.{number}", figure.cell
    for name, claim in published.claims.items():
        comparison = claim.compare.get(mode)
        for cell in (comparison.of, comparison.to) if comparison else ():
            if cell is not None:
                yield f"claims.{name}", cell


def _words(cell: CellRef) -> str:
    return f"{cell.part} {cell.app} {cell.endpoint} {cell.variant}"


def new_series(request: ArticleRequest) -> Series:
    """Return the series for the request. Raises TestbedError for a part that the article lacks."""
    article, published = load(request.name)
    for part in request.parts or []:
        parts = {name for mode in request.modes for name in article.asked(mode).parts}
        if part not in parts:
            raise catalogue.unknown(f"part of article {request.name}:", part, parts)
    created_at = datetime.now(UTC)
    seed = random.SystemRandom().randrange(SEEDS) if request.seed is None else request.seed
    return Series(
        schema_version=1,
        series=store.dated(request.name, created_at),
        article_name=request.name,
        article=article if request.trials is None else _with_trials(article, request.trials),
        published=published,
        scale=request.scale,
        seed=seed,
        parts=[
            SeriesPart(mode=mode, part=part, campaign=f"{mode}-{part}")
            for mode in request.modes
            for part in article.asked(mode).parts
            if request.parts is None or part in request.parts
        ],
        created_at=created_at,
        ended_at=None,
    )


def _with_trials(article: Article, trials: int) -> Article:
    data = article.model_dump()
    for mode in get_args(Mode):
        for part in data[mode]["parts"].values():
            part["trials"] = part["small"]["trials"] = trials
    return Article.model_validate(data)


def planned(series: Series) -> list[tuple[SeriesPart, Experiment, list[PlannedRun]]]:
    """Return what would be run, part by part."""
    apps = catalogue.load()
    experiments = [(part, _experiment(series.article, part, series.scale)) for part in series.parts]
    return [(part, one, plan(one, apps, seed_of(series, part))) for part, one in experiments]


def carry_out(
    series: Series, folder: Path, inventory: Inventory, progress: Progress
) -> list[Outcome]:
    """Carry out every campaign of the series that is not finished; `folder` is the series'.

    Raises what campaigns raise. Finished campaigns are kept, and the series can be resumed from
    `folder`.
    """
    planned(series)  # an error in any part is found before any host is asked
    store.write(folder / SERIES_FILE, series)
    store.point_latest(folder)
    outcomes = []
    for number, part in enumerate(series.parts, start=1):
        progress.say(f"part {number} of {len(series.parts)}: {part.campaign}")
        outcomes.append(_carry_out_part(series, part, folder, inventory, progress))
    store.write(folder / SERIES_FILE, series.model_copy(update={"ended_at": datetime.now(UTC)}))
    return outcomes


def _carry_out_part(
    series: Series, part: SeriesPart, folder: Path, inventory: Inventory, progress: Progress
) -> Outcome:
    request = campaign.Request(
        name=part.campaign,
        experiment=_experiment(series.article, part, series.scale),
        overridden=[],
        seed=seed_of(series, part),
        inventory=inventory,
        results_folder=folder.parent,
        within=folder.name,
        folder_name=part.campaign,
    )
    return carry_out_campaign(request, progress)


def seed_of(series: Series, part: SeriesPart) -> int:
    """Return the seed that decides the order of one part's runs."""
    return seed_of_part(series.seed, part.campaign)


def _experiment(article: Article, part: SeriesPart, scale: Scale) -> Experiment:
    """Return the part as an experiment. Raises TestbedError if `small` does not fit its load."""
    try:
        experiment = article.experiment(part.mode, part.part, scale)
        loads.check(experiment)
    except ValidationError as error:
        reasons = "; ".join(item["msg"] for item in error.errors())
        raise TestbedError(
            f"{part.mode}.parts.{part.part}: at scale {scale} its load is not sound: {reasons}"
        ) from error
    return experiment
