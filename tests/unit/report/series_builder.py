"""Make series folders as `fab run-article` writes them, from models and without hosts."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from testbed.model.article import Article, Published, Series, SeriesPart
from testbed.model.results import RunRecord
from testbed.model.tool_output import Errors
from tests.unit.report import builder

STEPS = (50, 100, 150)
LOAD: dict[str, Any] = {
    "mode": "constant_rate", "rate_rps": 4000, "connections": 400, "threads": 12,
    "duration_s": 300, "warmup_s": 10, "timeout_s": 10,
}  # fmt: skip
RAMP: dict[str, Any] = {
    "mode": "ramp", "connections": 1, "threads": 1, "duration_s": 30, "warmup_s": 5,
    "timeout_s": 5, "ramp": {"of": "users", "steps": list(STEPS)},
}  # fmt: skip


def cell(app: str, part: str = "rate") -> dict[str, str]:
    return {"part": part, "app": app, "endpoint": "index"}


def article() -> Article:
    """Return an article with two parts: a constant rate and a ramp."""
    parts = {
        "rate": {
            "title": "Constant rate", "description": "4000 per second.", "endpoints": ["index"],
            "trials": 3, "load": LOAD, "small": {"duration_s": 6, "connections": 100, "threads": 4},
        },
        "users": {
            "title": "More and more users", "description": "A ramp.", "endpoints": ["index"],
            "trials": 3, "load": RAMP, "small": {"duration_s": 3},
        },
    }  # fmt: skip
    asked = {"description": "Asked again.", "differences": ["Versions are today's."]}
    asked["parts"] = parts
    return Article.model_validate(
        {
            "schema_version": 1,
            "title": "Sync or async",
            "workload": "agents",
            "as_published": asked,
            "fair": asked,
        }
    )


def published() -> Published:
    """Return four claims: about a size, about an order that fails, a share, and the ramp."""

    def claim(
        text: str, metric: str, ratio: float | None, accept: dict[str, float], of: Any, to: Any
    ):
        both = {"of": of, "to": to}
        return {
            "text": text, "metric": metric, "published": ratio, "accept": accept,
            "rule": "By its rule.", "compare": {"as_published": both, "fair": both},
        }  # fmt: skip

    aiohttp, django = cell("aiohttp_api_hour"), cell("django")
    return Published.model_validate(
        {
            "schema_version": 1, "title": "Sync or async", "author": "A. Nonymous", "year": 2015,
            "machines": "Two laptops.", "slips": ["Totals were printed as rates."],
            "figures": [
                {"cell": django, "metric": "throughput_rps", "value": 1799, "printed": "53970",
                 "note": "a total"},
                {"cell": django, "metric": "response_mean_us", "value": 97e6},
            ],
            "claims": {
                "more": claim(
                    "aiohttp answers more.", "goodput_rps", 2.22, {"at_least": 1.1}, aiohttp, django
                ),
                "less": claim(
                    "aiohttp answers less.", "goodput_rps", 0.5, {"at_most": 0.9}, aiohttp, django
                ),
                "no_errors": claim(
                    "aiohttp has no errors.", "errors_percent", 0, {"at_most": 1}, aiohttp, None
                ),
                "slower_sooner": claim(
                    "Django slows down sooner.", "slowdown_users", 0.77, {"at_most": 1},
                    cell("django", "users"), cell("aiohttp_api_hour", "users"),
                ),
            },
        }
    )  # fmt: skip


def rate_runs(trials: int = 3) -> list[RunRecord]:
    """Return runs in which aiohttp reaches the rate, and Django half of it."""
    runs = []
    for trial in range(1, trials + 1):
        good = builder.output(throughput_rps=3990.0 + trial, goodput_rps=3990.0 + trial)
        slow = builder.output(
            throughput_rps=1800.0 + 10 * trial, goodput_rps=1790.0 + 10 * trial, mean_us=97e6,
            errors=Errors(connect=0, read=2000, write=0, timeout=20000, status=0, wrong_body=0),
            unsent=20_000, unanswered=400,
        )  # fmt: skip
        for app, figures in (("aiohttp_api_hour", good), ("django", slow)):
            runs.append(builder.run(len(runs) + 1, app, "index", trial=trial, figures=figures))
    return runs


def step(
    number: int, app: str, users: int, p95_ms: float, errors_percent: float = 0, *, trial: int = 1,
    **other: Any,
) -> RunRecord:  # fmt: skip
    """Return a run of a ramp with 100,000 requests due."""
    lost = round(1000 * errors_percent)
    figures = builder.output(
        rate_rps=float(users), due=100_000, requests=100_000 - lost, unanswered=lost,
        errors=Errors(connect=0, read=0, write=0, timeout=0, status=0, wrong_body=0),
    )  # fmt: skip
    percentiles = {"50": p95_ms * 500, "90": p95_ms * 900, "95": p95_ms * 1000, "99": p95_ms * 1500}
    times = figures.latency_us.model_copy(update={"percentiles": percentiles})
    record = builder.run(
        number, app, "index", trial=trial, rate_rps=float(users), connections=users,
        figures=figures.model_copy(update={"latency_us": times}), **other,
    )  # fmt: skip
    return record.model_copy(update={"run_id": f"{record.run_id}-u{users}"})


def ramp_runs(trials: int = 3) -> list[RunRecord]:
    """Return runs in which Django slows down at 100 users and aiohttp at 150, without errors."""
    shapes = {"aiohttp_api_hour": (5, 6, 40), "django": (5, 30, 300)}
    runs: list[RunRecord] = []
    for trial in range(1, trials + 1):
        for app, times in shapes.items():
            for users, p95_ms in zip(STEPS, times, strict=True):
                runs.append(step(len(runs) + 1, app, users, p95_ms, trial=trial))
    return runs


def write(
    folder: Path, campaigns: dict[str, list[RunRecord]], *, scale: Any = "small", ended: bool = True
) -> Path:
    """Write the series folder. `campaigns` has runs by part; a part without runs has no folder."""
    parts = [
        SeriesPart(mode="as_published", part=p, campaign=f"as_published-{p}") for p in campaigns
    ]
    series = Series(
        schema_version=1,
        series="20260302T093000Z-agents",
        article_name="agents",
        article=article(),
        published=published(),
        scale=scale,
        seed=7,
        parts=parts,
        created_at=builder.BEGAN,
        ended_at=builder.BEGAN + timedelta(hours=1) if ended else None,
    )
    folder.mkdir(parents=True)
    (folder / "series.json").write_text(series.model_dump_json(indent=1))
    for part, runs in campaigns.items():
        if runs:
            write_campaign(folder / f"as_published-{part}", part, runs)
    return folder


def write_campaign(
    folder: Path, part: str, runs: list[RunRecord], planned: list[RunRecord] | None = None
) -> None:
    """Write a campaign of the series. `planned` are the runs it lists, if it has other ones."""
    asked = article().as_published.parts[part].model_dump()
    about = builder.campaign(runs, asked=asked, overridden=[], title=asked["title"])
    if planned is not None:
        about = about.model_copy(update={"runs": [run.run_id for run in planned]})
    builder.write(folder, about, runs, curves=False)
