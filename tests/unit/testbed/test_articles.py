import functools

import pytest
import yaml

from testbed.campaign import articles
from testbed.cli import show
from testbed.errors import TestbedError
from testbed.model.article import Article

NAMES = sorted(path.stem for path in articles.ARTICLES.glob("*.yml"))
# Articles print rates of all answers, and averages: what a claim rests on where its own is lacking
INSTEAD = {"goodput_rps": "throughput_rps", "response_p50_us": "response_mean_us"}


def request(**changes):
    given = {
        "name": "agents",
        "modes": ["fair"],
        "scale": "small",
        "parts": None,
        "seed": 7,
        "trials": None,
    }
    return articles.ArticleRequest(**(given | changes))


def test_there_are_articles():
    assert "agents" in NAMES


read = functools.cache(articles.load)


@pytest.mark.parametrize("name", NAMES)
def test_an_article_s_files_are_sound_and_its_claims_are_measured(name):
    article, published = read(name)
    for mode in ("as_published", "fair"):
        assert any(mode in claim.compare for claim in published.claims.values())
        assert article.asked(mode).differences


def printed(published, cell, metric):
    """The article's figure of a cell; None: it has none."""
    figures = {(figure.cell, figure.metric): figure.value for figure in published.figures}
    return figures.get((cell, metric), figures.get((cell, INSTEAD.get(metric))))


def printed_ratio(published, claim):
    """What the article's figures give for a claim; None: it lacks them."""
    comparison = claim.compare["as_published"]
    of = printed(published, comparison.of, claim.metric)
    if comparison.to is None:
        return of
    to = printed(published, comparison.to, claim.metric)
    return None if None in (of, to) else of / to


@pytest.mark.parametrize("name", NAMES)
def test_a_claim_s_published_figure_follows_from_those_printed(name):
    _, published = read(name)
    for key, claim in published.claims.items():
        if "as_published" in claim.compare:
            ratio = printed_ratio(published, claim)
            assert ratio is None or claim.published == pytest.approx(ratio, rel=0.02), key


@pytest.mark.parametrize("name", NAMES)
def test_a_size_is_half_to_twice_the_published_one(name):
    _, published = read(name)
    for key, claim in published.claims.items():
        if claim.rule.startswith("Half to twice"):
            limits = (claim.accept.at_least, claim.accept.at_most)
            half_to_twice = (claim.published / 2, claim.published * 2)
            assert limits == pytest.approx(half_to_twice, rel=0.01), key


@pytest.mark.parametrize("name", NAMES)
def test_the_small_scale_is_short(name):
    modes = ["as_published", "fair"]
    series = articles.new_series(request(name=name, modes=modes))
    for part, experiment, runs in articles.planned(series):
        assert experiment.load.duration_s <= 10, part
        assert experiment.trials <= 3, part
        assert runs


def test_a_series_has_the_parts_asked_for_in_order():
    series = articles.new_series(request(parts=["low_load", "rate_index"]))
    assert [part.campaign for part in series.parts] == ["fair-rate_index", "fair-low_load"]


def test_a_plan_is_headed_by_the_options_that_ask_for_its_part():
    series = articles.new_series(request(modes=["as_published", "fair"], parts=["low_load"]))
    plans = [show.part_text(part, series.scale, *rest) for part, *rest in articles.planned(series)]
    assert [plan.splitlines()[0] for plan in plans] == [
        "# --as-published --parts=low_load --scale=small",
        "# --fair --parts=low_load --scale=small",
    ]


def test_trials_can_be_overridden():
    series = articles.new_series(request(parts=["low_load"], trials=1))
    ((_, experiment, runs),) = articles.planned(series)
    assert experiment.trials == 1
    assert {run.trial for run in runs} == {1}


def test_an_unknown_part_names_the_nearest():
    with pytest.raises(TestbedError, match="(?s)part of article agents: 'low_lad'.*'low_load'"):
        articles.new_series(request(parts=["low_lad"]))


def test_an_unknown_article_names_the_nearest():
    with pytest.raises(TestbedError, match="(?s)unknown article 'agent'.*'agents'"):
        articles.load("agent")


def test_a_claim_of_a_cell_that_is_not_measured_is_refused(tmp_path, monkeypatch):
    text = (articles.PUBLISHED / "agents.yml").read_text()
    wrong = text.replace("variant: pool", "variant: pol", 1)
    assert wrong != text
    (tmp_path / "agents.yml").write_text(wrong)
    monkeypatch.setattr(articles, "PUBLISHED", tmp_path)
    with pytest.raises(TestbedError, match=r"agents.yml: claims\.\w+: fair measures no .*pol"):
        articles.load("agents")


def test_small_replaces_what_it_names():
    data = yaml.safe_load((articles.ARTICLES / "agents.yml").read_text())
    article = Article.model_validate(data)
    small = article.experiment("as_published", "constant_rate", "small")
    full = article.experiment("as_published", "constant_rate", "full")
    assert (full.trials, full.load.duration_s, full.load.connections) == (3, 300, 400)
    assert (small.trials, small.load.rate_rps) == (2, 4000)
    assert small.load.duration_s < 10


def test_each_part_has_an_order_of_its_own():
    series = articles.new_series(request(modes=["as_published", "fair"], seed=3))
    seeds = {articles.seed_of(series, part) for part in series.parts}
    assert len(seeds) == len(series.parts)
    again = articles.new_series(request(modes=["as_published", "fair"], seed=3))
    assert [runs for *_, runs in articles.planned(series)] == [
        runs for *_, runs in articles.planned(again)
    ]
