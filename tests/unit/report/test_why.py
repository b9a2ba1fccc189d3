"""`python -m analysis why` on campaigns whose truth is known: shares, words, charts, refusals."""

import json
import math

import bs4
import pytest

from analysis.__main__ import main
from analysis.why.show import TIMES
from bench.why import factorial_of
from testbed.errors import Exit
from testbed.model.results import Finding
from testbed.model.why import FRAMEWORK
from tests.unit.draws import same_dice
from tests.unit.report import builder

__all__ = ["same_dice"]  # fixtures
# 12 times in all: 4 of the pool, 1.5 of keep-alive and 2 of the framework; debug does nothing
SHARES = {"pool": math.log(4), "keepalive": math.log(1.5), FRAMEWORK: math.log(2)}
FACTORS = ["keepalive", "pool", "debug"]


@pytest.fixture
def measured(tmp_path, same_dice):
    """Writes a campaign of hidden effects (of sets of players, on goodput), and returns its folder.

    Response times have the reciprocal of the effects.
    """

    def write(effects=None, factors=FACTORS, trials=4, sd=0.01, spoil=lambda *at: {}, **about):
        effects = {(name,): one for name, one in SHARES.items()} if effects is None else effects
        why = factorial_of(list(factors))
        records = []
        for trial in range(1, trials + 1):
            block = same_dice.normal(0, 0.2)
            for cell in why.cells:
                log = sum(one for of, one in effects.items() if set(of) <= set(cell.as_app))
                goodput, p99 = (
                    math.exp(way * log + block + same_dice.normal(0, sd)) for way in (1, -1)
                )
                figures = builder.output(
                    rate_rps=None, goodput_rps=1000 * goodput, throughput_rps=1000 * goodput,
                    mean_us=2100 * p99, p50_us=1500 * p99, p99_us=9000 * p99, max_us=31000 * p99,
                )  # fmt: skip
                other = {"figures": figures} | spoil(trial, cell)
                records.append(
                    builder.run(
                        len(records) + 1, cell.app, "agents", trial=trial, variant=cell.variant,
                        title=f"App {cell.app.upper()}", rate_rps=None, **other,
                    )
                )  # fmt: skip
        told = {"why": why, "asked": {"trials": trials}} | about
        return builder.write(
            tmp_path / f"why-{len(list(tmp_path.iterdir()))}",
            builder.campaign(records, **told),
            records,
            curves=False,
        )

    return write


@pytest.fixture
def explained(measured, capsys):
    """Writes such a campaign; gives the exit code and the document that `why` prints."""

    def run(*options, **given):
        code = main(["why", str(measured(**given)), "--json", *options])
        return code, json.loads(capsys.readouterr().out)["explained"]

    return run


def test_the_shares_of_both_figures_are_found(explained):
    code, (goodput, p99) = explained()
    assert code == 0
    assert (goodput["metric"], goodput["of"]) == ("goodput_rps", "a")
    assert (p99["metric"], p99["of"]) == ("response_p99_us", "b")
    for one in (goodput, p99):
        for player in (*FACTORS, FRAMEWORK):
            truth = math.exp(SHARES.get(player, 0))
            assert one["shares"][player]["value"] == pytest.approx(truth, rel=0.05)
        product = math.prod(share["value"] for share in one["shares"].values())
        assert product == pytest.approx(one["ratio"]["value"], rel=1e-9)
        assert one["interactions"] == []
        assert all(one["shares"][player]["told_from_noise"] for player in SHARES)


def test_the_ratio_is_that_of_both_apps_as_published(explained):
    _, (goodput, _) = explained(sd=0)
    assert goodput["ratio"]["value"] == pytest.approx(12)


def test_the_sentence_names_the_largest_first_and_the_framework_last(explained):
    _, (goodput, p99) = explained(sd=0)
    parts = (
        f"4.00{TIMES} is pool, 1.50{TIMES} keepalive, 1.00{TIMES} cannot be told from noise "
        f"(debug), 2.00{TIMES} the framework"
    )
    assert goodput["sentence"] == f"Of 12.0{TIMES} (App A against App B), {parts}."
    assert p99["sentence"] == f"Of 12.0{TIMES} (App B against App A), {parts}."


def test_a_factor_that_works_against_the_ratio_is_below_1(explained):
    effects = {("pool",): math.log(0.5), (FRAMEWORK,): math.log(6)}
    _, (goodput, _) = explained(effects=effects, factors=["pool"], sd=0)
    assert goodput["sentence"].endswith(f"0.500{TIMES} is pool, 6.00{TIMES} the framework.")


def test_what_two_players_do_together_is_named(explained, capsys, measured):
    effects = {("pool",): math.log(2), (FRAMEWORK,): math.log(2), ("pool", FRAMEWORK): math.log(2)}
    _, (goodput, _) = explained(effects=effects, factors=["pool", "debug"])
    (found,) = goodput["interactions"]
    assert found["sets"] == [[FRAMEWORK, "pool"]]
    assert found["value"] == pytest.approx(2, rel=0.1)
    assert goodput["shares"]["pool"]["value"] == pytest.approx(2 * 2**0.5, rel=0.05)
    main(["why", str(measured(effects=effects, factors=["pool", "debug"]))])
    said = capsys.readouterr().out
    assert "Together, the framework and pool do" in said


def test_a_fraction_says_its_resolution_and_aliases(measured, capsys):
    factors = [f"f{number}" for number in range(7)]
    effects = {("f1",): 1.0, ("f6",): 0.5, (FRAMEWORK,): 0.7}
    assert main(["why", str(measured(effects=effects, factors=factors, trials=2))]) == 0
    said = capsys.readouterr().out
    assert "A fraction of resolution 4: 64 of 256 combinations" in said
    assert " = " in said
    assert "Of 9.0" in said or "Of 8." in said or "Of 9." in said


def test_charts_are_written_and_always_the_same(measured):
    folder = measured()
    drawn = []
    for _ in range(2):
        assert main(["why", str(folder)]) == 0
        drawn.append({path.name: path.read_bytes() for path in (folder / "why").iterdir()})
    assert sorted(drawn[0]) == [
        f"agents-{key}.{kind}"
        for key in ("goodput_rps", "response_p99_us")
        for kind in ("png", "svg")
    ]
    assert drawn[0] == drawn[1]


def test_one_block_has_shares_and_no_intervals(explained):
    _, (goodput, _) = explained(trials=1)
    assert goodput["ratio"]["low"] is None
    assert goodput["sentence"].endswith("one block of trials tells nothing of noise.")


def invalid(at, variant):
    finding = Finding(check="cpu", verdict="invalid", sentence="The host was busy.")

    def spoil(trial, cell):
        spoilt = trial in at and cell.variant == variant
        return {"verdict": "invalid", "findings": [finding]} if spoilt else {}

    return spoil


def test_only_blocks_count_in_which_every_cell_does(explained):
    code, (goodput, _) = explained(spoil=invalid((2,), "x3"))
    assert code == 0
    assert "3 blocks of trials" in goodput["ratio"]["interval_is"]
    assert any("3 blocks of trials are taken" in remark for remark in goodput["remarks"])
    assert any("The host was busy" in remark for remark in goodput["remarks"])


def test_without_a_cell_nothing_is_known(explained):
    code, found = explained(spoil=invalid((1, 2, 3, 4), "x3"))
    assert code == Exit.NOT_VALID
    assert all("variant x3" in one["sentence"] for one in found)
    assert all(one["ratio"] is None for one in found)


def test_where_no_run_counts_it_is_said_why(explained):
    code, found = explained(spoil=lambda trial, cell: invalid((trial,), cell.variant)(trial, cell))
    assert code == Exit.NOT_VALID
    for one in found:
        assert "No run counts." in one["sentence"]
        assert "The host was busy" in one["sentence"]


def test_a_figure_of_zero_has_no_shares(explained):
    def spoil(trial, cell):
        zero = builder.output(rate_rps=None, goodput_rps=0.0, throughput_rps=900.0)
        return {"figures": zero} if cell.variant == "x2" else {}

    _, (goodput, _) = explained(spoil=spoil)
    assert goodput["ratio"] is None
    assert "zero" in goodput["sentence"]


def test_other_campaigns_and_unknown_figures_are_refused(measured, capsys):
    assert main(["why", str(measured(why=None))]) == Exit.BAD_INPUT
    assert "not a campaign of `fab run-why`" in capsys.readouterr().err
    assert main(["why", str(measured()), "--metric=speed"]) == Exit.BAD_INPUT
    assert "unknown metric 'speed'" in capsys.readouterr().err


def test_the_report_says_why(measured, capsys):
    folder = measured()
    assert main(["report", str(folder)]) == 0
    page = bs4.BeautifulSoup((folder / "report" / "index.html").read_text(), "html.parser")
    section = page.find("section", id="why")
    assert page.nav.find("a", href="#why")
    main(["why", str(folder), "--json"])
    printed = capsys.readouterr().out
    explained = json.loads(printed[printed.index("{") :])["explained"]
    assert [one.text for one in section.select(".sentence")] == [o["sentence"] for o in explained]
    shares = [row.th.text for row in section.select_one("table").tbody.find_all("tr")]
    assert len(shares) == len(FACTORS) + 2  # with the framework and the whole
    assert len(section.find_all("img")) == len(explained)
    assert (folder / "report" / "charts" / "why-agents-goodput_rps.svg").is_file()


def test_what_holds_for_all_figures_is_told_once(measured, capsys):
    assert main(["why", str(measured(spoil=invalid((2,), "x3")))]) == 0
    said = capsys.readouterr().out
    assert said.count("The host was busy") == 1
    assert said.count("3 blocks of trials are taken") == 1


def test_the_page_says_what_each_variant_is(measured):
    folder = measured(factors=["pool"])
    assert main(["report", str(folder)]) == 0
    page = bs4.BeautifulSoup((folder / "report" / "index.html").read_text(), "html.parser")
    (table,) = page.select("#why details table")
    assert [cell.text for cell in table.select("thead th")] == ["App", "Variant", "pool"]
    rows = [[cell.text for cell in row.select("th, td")] for row in table.select("tbody tr")]
    assert len(rows) == 4
    assert len({(app, level) for app, _, level in rows}) == 4
    assert all(level for _, _, level in rows)
