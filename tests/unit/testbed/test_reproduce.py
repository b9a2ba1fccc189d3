"""A campaign is repeated from its archive: the same question in the same order, then compared."""

from types import SimpleNamespace

import pytest

from testbed import archive, store
from testbed.asked import catalogue, experiments
from testbed.asked.plan import plan
from testbed.campaign import campaign, reproduce
from testbed.cli import reproducing
from testbed.errors import TestbedError
from testbed.model.campaign import Version, Versions
from testbed.model.why import Factor, Why
from tests.unit.report import builder, question_builder

OPTIONS = reproducing.ReproduceOptions


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """Packs a campaign of round 3 with the figures of two runs; returns the archive."""
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path / "results"))

    def make(name="a", **other):
        experiment = experiments.load(experiments.find("round3"))
        records = [builder.run(n, "flask", "index", trial=n) for n in (1, 2)]
        about = {"asked": experiment.model_dump(mode="json"), "experiment": "round3", "seed": 7}
        made = builder.campaign(records, **(about | other))
        folder = builder.write(tmp_path / name, made, records, curves=False)
        archive.pack(folder, made, tmp_path / f"{name}.tar.gz")
        return tmp_path / f"{name}.tar.gz"

    return make


def test_the_plan_is_the_originals(bundle):
    made = bundle()
    folder = reproduce.opened(made, store.folder())
    assert folder == store.folder() / "originals" / builder.NAME
    found = reproduce.original(folder, None)
    expected = plan(experiments.load(experiments.find("round3")), catalogue.load(), 7)
    assert [run.run_id for run in found.planned] == [run.run_id for run in expected]
    assert reproduce.opened(made, store.folder()) == folder  # it is there already


def test_another_archive_of_that_name_is_refused(bundle):
    reproduce.opened(bundle(), store.folder())
    with pytest.raises(TestbedError, match="another archive of that name"):
        reproduce.opened(bundle("b", seed=8), store.folder())


def test_apps_that_are_other_ones_here_are_named(bundle):
    apps = catalogue.load().apps_of("agents")
    digests = {"flask": "0" * 12, "django": apps["django"].digest}
    folder = reproduce.opened(bundle(apps=digests), store.folder())
    assert reproduce.original(folder, None).differences == [
        "The code of agents/flask is not that of the original."
    ]


def test_two_versions_are_refused_as_their_code_is_not_in_it(bundle):
    one = Version(app="flask_old", source=".", commit=None)
    pair = Versions(app="flask", app_title="Flask", old=one, new=one, differences=[])
    folder = reproduce.opened(bundle(versions=pair), store.folder())
    with pytest.raises(TestbedError, match="whose code an archive does not hold"):
        reproduce.original(folder, None)


def test_an_experiment_that_cannot_be_read_is_one_sentence(bundle):
    folder = reproduce.opened(bundle(asked={"load": "4000"}), store.folder())
    with pytest.raises(TestbedError, match=r"asked\."):
        reproduce.original(folder, None)


def test_a_dry_run_prints_the_plan_and_touches_no_host(bundle, monkeypatch, capsys):
    monkeypatch.setattr(campaign, "run", lambda *_: pytest.fail("a host was asked"))
    asked = []
    reproducing.repeat(bundle(), OPTIONS(dry_run=True), lambda *given: asked.append(given), None)
    text = capsys.readouterr().out
    assert "every file is as its list says" in text
    assert "001-" in text
    assert [one[1] for one in asked] == [None]


def test_what_is_refused_after_it_was_unpacked_is_removed_again(bundle):
    with pytest.raises(TestbedError, match=r"asked\."):
        reproducing.repeat(bundle(asked={"load": "4000"}), OPTIONS(), lambda *given: 0, None)
    assert list((store.folder() / "originals").iterdir()) == []
    reproducing.repeat(bundle("b"), OPTIONS(dry_run=True), lambda *given: 0, None)


@pytest.fixture
def carried_out(bundle, monkeypatch, tmp_path):
    """Repeats a campaign up to its load; returns what would have been carried out."""

    def repeat(**about):
        requests = []

        def run(request, progress):
            requests.append(request)
            return campaign.Outcome(tmp_path / "again", [])

        monkeypatch.setattr(campaign, "run", run)
        monkeypatch.setattr(reproducing.inventory, "load", lambda name: SimpleNamespace())
        monkeypatch.setattr(reproducing.show, "outcome_text", lambda outcome: "")
        reproducing.repeat(bundle(**about), OPTIONS(), lambda *given: 0, None)
        (request,) = requests
        return request

    return repeat


def test_the_question_of_a_campaign_is_asked_again(carried_out):
    asked = question_builder.plan()
    request = carried_out(question=asked)
    assert (request.question, request.why) == (asked, None)


def test_what_two_apps_differ_in_is_asked_again(carried_out):
    keep_alive = Factor(name="keepalive", title="keep-alive", app="off", against="on")
    two = Why(app="flask", against="django", titles={}, factors=[keep_alive], cells=[])
    request = carried_out(why=two)
    assert (request.question, request.why) == (None, two)


def test_the_campaign_is_carried_out_and_compared_with_the_original(bundle, monkeypatch, tmp_path):
    requests, compared = [], []

    def run(request, progress):
        requests.append(request)
        return campaign.Outcome(tmp_path / "again", [])

    def agree(original, again, given):
        compared.append((original, again, given))
        return 0 if again is None else 6

    monkeypatch.setattr(campaign, "run", run)
    monkeypatch.setattr(reproducing.inventory, "load", lambda name: SimpleNamespace(name=name))
    monkeypatch.setattr(reproducing.show, "outcome_text", lambda outcome: "")
    given = OPTIONS(inventory="mine", tolerance=3, between=2, metric=["goodput_rps"])
    with pytest.raises(SystemExit) as ended:
        reproducing.repeat(bundle(), given, agree, None)
    assert ended.value.code == 6
    (request,) = requests
    assert (request.name, request.seed, request.inventory.name) == ("round3", 7, "mine")
    options = ["--metric=goodput_rps", "--tolerance=3.0", "--between=2.0"]
    original = store.folder() / "originals" / builder.NAME
    assert compared == [(original, None, options), (original, tmp_path / "again", options)]
