"""What two apps differ in becomes the factors of a factorial, and its cells the runs of a plan."""

import pytest

from testbed.asked import catalogue, experiments, factorial
from testbed.asked.factors import Side, brought_to, connections
from testbed.asked.plan import plan
from testbed.asked.why import factorial_of
from testbed.errors import TestbedError
from testbed.model.experiment import Variant
from testbed.model.upstream import Upstream
from testbed.model.why import FRAMEWORK, products

DJANGO, AIOHTTP = "django", "aiohttp_api_hour"


@pytest.fixture(scope="module")
def apps():
    return catalogue.load()


@pytest.fixture
def asked(apps):
    """Makes the factorial of two apps; the third value says what each cell is measured with."""

    def make(app, against, names=None, workload="agents", **changes):
        experiment = experiments.load(experiments.find("calibration")).model_copy(
            update={
                "workload": workload, "endpoints": list(apps.workload(workload).endpoints)
            } | changes
        )  # fmt: skip
        made, why = factorial_of(experiment, apps, app, against, names)
        settings = {(run.app, run.variant): run.settings for run in plan(made, apps, 0)}
        cells = {
            frozenset(cell.as_app): (cell.app, settings[cell.app, cell.variant])
            for cell in why.cells
        }
        return made, why, cells

    return make


def test_the_settings_that_both_can_have_are_the_factors(asked):
    made, why, cells = asked(AIOHTTP, DJANGO)
    levels = {one.name: (one.app, one.against) for one in why.factors}
    assert levels["pool"] == ("pool, 30", "connection_per_request")
    assert levels["keepalive"] == ("kept", "closed")
    assert len(cells) == 2 ** (len(why.factors) + 1)
    assert made.trials == 4
    assert made.endpoints == ["index", "agents"]  # which both serve
    assert any("event_loop" in phrase for phrase in why.within_framework)


def test_both_apps_as_published_are_among_the_cells(asked, apps):
    known = apps.apps_of("agents")
    _, why, cells = asked(AIOHTTP, DJANGO)
    assert cells[frozenset()] == (DJANGO, known[DJANGO].defaults())
    assert cells[frozenset(why.players)] == (AIOHTTP, known[AIOHTTP].defaults())


def test_each_factor_is_as_in_the_one_app_or_as_in_the_other(asked):
    _, why, cells = asked(AIOHTTP, DJANGO, ["keepalive", "pool"])
    assert [one.name for one in why.factors] == ["keepalive", "pool"]
    for as_app, (app, settings) in cells.items():
        assert app == (AIOHTTP if FRAMEWORK in as_app else DJANGO)
        assert connections(settings) == ("kept" if "keepalive" in as_app else "closed")
        pooled = settings["database_access"] == "pool"
        assert pooled == ("pool" in as_app)
        assert settings["workers"] == 16


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, "closed"),
        ({"threads": 4}, "kept"),
        ({"proxy": "nginx"}, "kept"),  # by nginx
        ({"proxy": "nginx", "keepalive_s": 0}, "closed"),
        ({"server": "granian"}, "kept"),  # which has no classes of workers
        ({"server": "granian", "keepalive_s": 0}, "closed"),
    ],
)
def test_sync_workers_close_connections_if_clients_have_them_with_gunicorn(apps, changes, found):
    flask = apps.apps_of("service")["flask"].defaults() | {"worker_class": "sync", "threads": 1}
    assert connections(flask | changes) == found


def test_what_is_no_factor_stays_as_each_app_has_it(asked):
    _, why, cells = asked(AIOHTTP, DJANGO, ["pool"])
    for app, settings in cells.values():
        assert connections(settings) == ("kept" if app == AIOHTTP else "closed")
    assert "keep-alive (kept and closed)" in why.within_framework


def test_a_factor_of_one_app_alone_does_nothing_to_the_other(asked):
    """Gunicorn would keep connections with threads, so it is told to close them."""
    made, why, cells = asked(AIOHTTP, DJANGO, ["keepalive", "threads=4"])
    (threads,) = [one for one in why.factors if one.only]
    assert (threads.only, threads.app, threads.against) == (DJANGO, "4", "1")
    for as_app, (app, settings) in cells.items():
        assert connections(settings) == ("kept" if "keepalive" in as_app else "closed")
        if app == DJANGO:
            assert settings["threads"] == (4 if "threads" in as_app else 1)
    measured = {(cell.app, cell.variant) for cell in why.cells}
    assert len(measured) == 4 + 2
    assert sum(len(v.apps) for v in made.variants.values()) == len(measured)


def test_how_apps_log_in_is_a_factor_where_they_differ_or_the_user_says_what_else(asked):
    _, why, cells = asked(AIOHTTP, DJANGO, ["pool", "auth=md5"])
    levels = {one.name: (one.app, one.against) for one in why.factors}
    assert levels["auth"] == ("md5", "scram-sha-256")
    for as_app, (_, settings) in cells.items():
        assert settings["database_auth"] == ("md5" if "auth" in as_app else "scram-sha-256")
    unix = {"a": Variant(app_settings={DJANGO: {"database_socket": "unix"}})}
    _, why, _ = asked(AIOHTTP, DJANGO, variants=unix)
    assert ("socket", "tcp", "unix") in [(one.name, one.app, one.against) for one in why.factors]
    assert "auth" not in why.players


def test_a_setting_that_the_other_cannot_have_counts_to_the_framework(asked):
    _, why, _ = asked("django_async", "django_sync", workload="pokemon")
    assert "worker_class" not in [one.name for one in why.factors]
    assert any(phrase.startswith("worker_class") for phrase in why.within_framework)


def test_the_experiments_variant_says_how_they_are_as_published(asked):
    variants = {"equal": Variant(settings={"workers": 2}, app_settings={DJANGO: {"threads": 3}})}
    _, _, cells = asked(AIOHTTP, DJANGO, ["pool"], variants=variants)
    assert {settings["workers"] for _, settings in cells.values()} == {2}
    assert {s["threads"] for app, s in cells.values() if app == DJANGO} == {3}


def test_the_other_service_takes_as_long_as_the_experiments_variant_says(asked, apps):
    variants = {"slow": Variant(upstream=Upstream(latency_ms=50))}
    changes = {"workload": "service", "endpoints": ["json"], "variants": variants}
    made, _, _ = asked("fastapi", "flask", ["auth=md5"], **changes)
    assert {run.upstream.latency_ms for run in plan(made, apps, 0)} == {50}


def test_workers_may_be_asked_about(asked, apps):
    made, _, cells = asked("aiohttp", DJANGO, ["workers"], workload="records")
    assert {(a, s["workers"]) for a, s in cells.values()} == {
        (a, n) for a in ("aiohttp", DJANGO) for n in (1, 8)
    }
    assert made.unequal_workers


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["threads"], "threads=VALUE; a whole number"),
        (["threads="], "threads=VALUE"),
        (["threads=many"], "cannot have threads"),
        (["threads=" + "9" * 5000], "cannot have threads"),
        (["threads=1"], "as it is"),
        (["worker_class=spdy"], "one of: sync, gthread, gevent"),
        (["debug"], "do not differ in debug"),
        (["pool=3"], "say its name only"),
        (["framework"], "always one of the players"),
        (["pol"], "did you mean 'pool'"),
        (["=3"], "unknown factor"),
        (["proxy"], "unknown factor"),
        (["dependency"], "fab run-question sweeps it"),
    ],
)
def test_what_is_no_factor_is_refused_in_a_sentence(asked, names, said):
    with pytest.raises(TestbedError) as raised:
        asked(AIOHTTP, DJANGO, names)
    assert said in str(raised.value)
    assert raised.value.exit_code == 2


def test_two_apps_alike_in_all_that_both_have_are_refused(asked):
    with pytest.raises(TestbedError, match="all of the difference is the framework"):
        asked("flask", DJANGO)


@pytest.mark.parametrize(
    ("app", "against", "changes", "said"),
    [
        (DJANGO, DJANGO, {}, "name the same app"),
        (DJANGO, "bottle", {}, "unknown app"),
        ("flask", AIOHTTP, {"endpoints": ["agents_with_pool"]}, "serve none"),
        (
            DJANGO, AIOHTTP, {"variants": {"one": Variant(), "two": Variant()}}, "2 variants",
        ),
        (DJANGO, AIOHTTP, {"variants": {"one": Variant(apps=[DJANGO])}}, "0 variants"),
    ],
)  # fmt: skip
def test_apps_and_experiments_without_a_factorial_are_refused(asked, app, against, changes, said):
    with pytest.raises(TestbedError, match=said):
        asked(app, against, **changes)


def test_a_ramp_is_refused(apps):
    data = experiments.load(experiments.find("calibration")).model_dump()
    data["load"] |= {"mode": "ramp", "ramp": {"of": "connections", "steps": [1, 2]}, "threads": 1}
    ramp, _ = experiments.override(type(experiments.load(experiments.find("round3")))(**data), {})
    with pytest.raises(TestbedError, match="a ramp has several loads"):
        factorial_of(ramp, apps, AIOHTTP, DJANGO, None)


@pytest.mark.parametrize("count", range(1, factorial.MOST_FACTORS + 1))
def test_the_cells_are_balanced(count):
    """Each factor, and each pair, is as often as in the one app as it is as in the other."""
    names = [f"f{number}" for number in range(count)]
    words = factorial.generators(names)
    cells = factorial.cells(names, words)
    players = [FRAMEWORK, *names]
    assert len(set(cells)) == len(cells) == 2 ** min(count + 1, factorial.FULL_FACTORS + 1)
    for number, one in enumerate(players):
        for other in players[:number]:
            held = [(one in cell, other in cell) for cell in cells]
            assert {held.count(pair) for pair in set(held)} == {len(cells) // 4}
    assert all(len(word) % 2 == 0 for word in products([frozenset(w) for w in words]))


def test_too_many_factors_are_refused():
    with pytest.raises(TestbedError, match="are the most"):
        factorial.generators([f"f{number}" for number in range(factorial.MOST_FACTORS + 1)])


@pytest.mark.parametrize(
    ("changes", "wanted", "found"),
    [
        ({}, "closed", {}),
        ({}, "kept", {"worker_class": "gthread"}),
        ({"keepalive_s": 0}, "kept", {"worker_class": "gthread", "keepalive_s": 75}),
        ({"threads": 4}, "closed", {"keepalive_s": 0}),
        ({"worker_class": "gevent"}, "kept", {}),
        ({"worker_class": "gevent", "keepalive_s": 0}, "kept", {"keepalive_s": 75}),
    ],
)
def test_gunicorn_keeps_connections_or_not(apps, changes, wanted, found):
    app = apps.apps_of("agents")[DJANGO]
    settings = app.defaults() | changes
    assert brought_to(Side(app, settings), settings, wanted) == settings | found
