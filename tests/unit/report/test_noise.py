"""Campaigns measured apart: the noise of the place is added, or nothing is decided."""

import json
from datetime import timedelta

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.compare.noise import pooled
from analysis.intervals import paired
from analysis.power import trials_to_show
from bench.noise import Place, called_worse, held, planned, shown
from testbed import store
from testbed.errors import Exit
from testbed.model.noise import Noise, NoiseCell, NoiseHost
from tests.unit.draws import dice, seed, surely_within
from tests.unit.report import builder
from tests.unit.report.test_compare import GOODPUT, STEADY, compared, runs, stored
from tests.unit.report.test_intervals import spread

__all__ = ["compared", "dice", "seed", "stored"]  # fixtures

APART = ()  # no --between: as users call it
QUARTER_LESS = [rate * 0.75 for rate in STEADY]


def host_of(role):
    host = builder.host(role)
    names = ("role", "hostname", "cpu_model", "cpus", "kernel")
    return NoiseHost(**{name: getattr(host, name) for name in names})


def cell(means, app="flask", metric="goodput_rps", **other):
    record = runs([1000.0], **other)[0]
    return NoiseCell(
        app=app, digest="d1", endpoint="index", variant="default", load=record.load, search=None,
        metric=metric, means=list(means), trial_sd_percent=1, block_sd_percent=0,
        between_sd_percent=1,
    )  # fmt: skip


@pytest.fixture
def noise(tmp_path):
    """Writes a noise document beside the campaigns of `stored`."""

    def write(*cells, name="aa", **other):
        values = {
            "schema_version": 1, "place": "lab", "workload": "agents", "experiment": "round2",
            "hosts": [host_of("client"), host_of("server")], "app": "flask", "campaigns": ["c"],
            "measured_from": builder.BEGAN, "measured_to": builder.BEGAN + timedelta(hours=1),
            "cells": list(cells),
        }  # fmt: skip
        store.write(tmp_path / "noise" / f"{name}.json", Noise(**(values | other)))

    return write


@pytest.fixture
def ours(stored):
    """Two campaigns: in B there is a quarter less goodput."""
    return stored("a", runs(STEADY)), stored("b", runs(QUARTER_LESS))


def around(percent, count=8):
    """Campaign means whose logarithms have this standard deviation."""
    sides = np.resize([1, -1], count) * percent / 100 * ((count - 1) / count) ** 0.5
    return list(1000 * np.exp(sides))


def test_without_the_noise_of_the_place_nothing_is_decided(ours, compared):
    status, document = compared(*ours, *GOODPUT, between=APART)
    (found,) = document["cells"]
    assert (status, found["verdict"]) == (Exit.NOT_VALID, "undecided")
    assert (found["p_value"], found["noise_between"]) == (None, None)
    assert all(task in found["reason"] for task in ("fab run-ab", "fab run-aa"))
    assert found["ratio"]["value"] == pytest.approx(0.75)  # it is shown all the same


@pytest.mark.parametrize(
    ("percent", "verdict", "code"),
    [(0.1, "worse", Exit.WORSE), (2, "worse", Exit.WORSE), (20, "undecided", 0)],
)
def test_the_noise_of_the_place_decides(noise, ours, compared, percent, verdict, code):
    noise(cell(around(percent)))
    status, document = compared(*ours, *GOODPUT, between=APART)
    (found,) = document["cells"]
    assert (status, found["verdict"]) == (code, verdict)
    assert found["noise_between"]["sd_percent"] == pytest.approx(100 * np.expm1(percent / 100))
    assert found["noise_between"]["freedom"] == 7
    assert "8 campaigns of flask, 02 Mar 2026" in found["noise_between"]["basis"]


def test_noise_makes_like_campaigns_less_sure(noise, stored, compared):
    a = stored("a", runs(STEADY))
    b = stored("b", runs(STEADY))
    noise(cell(around(10)))
    assert compared(a, b, *GOODPUT)[1]["cells"][0]["verdict"] == "same"
    assert compared(a, b, *GOODPUT, between=APART)[1]["cells"][0]["verdict"] == "undecided"


@pytest.mark.parametrize(
    "other",
    [
        {"cell": {"connections": 200}},
        {"cell": {"metric": "response_p99_us"}},
        {"document": {"place": "metal"}},
        {"document": {"workload": "movies"}},
        {"document": {"hosts": [host_of("server")]}},
        {"document": {"hosts": [host_of(role).model_copy(update={"kernel": "5.10"})
                                for role in ("client", "server")]}},
        {"means": around(1, 4)},  # too few campaigns
    ],
)  # fmt: skip
def test_noise_of_something_else_is_not_taken(noise, ours, compared, other):
    noise(cell(other.get("means", around(1)), **other.get("cell", {})), **other.get("document", {}))
    status, document = compared(*ours, *GOODPUT, between=APART)
    assert (status, document["cells"][0]["verdict"]) == (Exit.NOT_VALID, "undecided")


def test_the_noise_of_the_same_app_goes_before_that_of_others(noise, ours, compared):
    noise(cell(around(30), app="django"), name="one")
    assert compared(*ours, *GOODPUT, between=APART)[1]["cells"][0]["verdict"] == "undecided"
    noise(cell(around(1)), name="two")
    assert compared(*ours, *GOODPUT, between=APART)[1]["cells"][0]["verdict"] == "worse"


def test_versions_of_an_app_are_not_taken_for_noise():
    """Two versions, one twice as fast: only what campaigns of the same version differ by counts."""
    slow, quick = cell(around(1)), cell(2 * np.array(around(1)))
    quick = quick.model_copy(update={"digest": "d2"})
    found = pooled([slow, quick])
    assert found.freedom == 14
    assert found.variance == pytest.approx(0.01**2)


def test_hosts_that_are_not_the_same_have_no_common_noise(noise, stored, compared):
    noise(cell(around(1)))
    other = [builder.host(role).model_copy(update={"hostname": "x"}) for role in ("server",)]
    a, b = stored("a", runs(STEADY)), stored("b", runs(QUARTER_LESS), hosts=other)
    assert compared(a, b, *GOODPUT, between=APART)[0] == Exit.NOT_VALID


def test_a_new_kernel_is_compared_by_the_noise_of_either(noise, stored, compared):
    noise(cell(around(1)))
    new = [builder.host(role).model_copy(update={"kernel": "7.0"}) for role in ("server", "client")]
    a, b = stored("a", runs(STEADY)), stored("b", runs(QUARTER_LESS), hosts=new)
    assert compared(a, b, *GOODPUT, between=APART)[0] == Exit.WORSE


def test_what_is_added_is_said(noise, ours, capsys):
    noise(cell(around(2)))
    main(["compare", *ours, *GOODPUT])
    text = capsys.readouterr().out
    assert "Goodput/s: campaigns vary by 2 % (standard deviation, measured in 8 campaigns" in text
    assert "unpaired, and the noise between campaigns) of B/A" in text
    assert "To show one of 8 % in every cell" in text


@pytest.mark.parametrize("given", ["-1", "nan", "100", "inf"])
def test_a_noise_that_cannot_be_is_refused(ours, capsys, given):
    assert main(["compare", *ours, f"--between={given}"]) == Exit.BAD_INPUT
    assert "--between" in capsys.readouterr().err


def test_a_damaged_document_is_named(noise, ours, tmp_path, capsys):
    noise(cell(around(2)))
    path = tmp_path / "noise" / "aa.json"
    path.write_text(path.read_text().replace("flask", "django", 1))
    assert main(["compare", *ours]) == Exit.BAD_INPUT
    assert "aa.json was edited" in capsys.readouterr().err
    path.write_text(json.dumps({"schema_version": 2}))
    assert main(["compare", *ours]) == Exit.BAD_INPUT


@pytest.mark.parametrize(
    "content",
    [b"", b"\x7fELF\0\xff", b"[1]", b"null", b"[" * 100_000, b'{"schema_version": 1}',
     b'{"schema_version": true}', b'{"schema_version": 1e999}', b"\xff\xfe{\0", None],
    ids=range(10),
)  # fmt: skip
def test_a_file_that_is_no_noise_document_is_named(noise, ours, tmp_path, capsys, content):
    noise(cell(around(2)))
    path = tmp_path / "noise" / "b.json"
    path.mkdir() if content is None else path.write_bytes(content)
    assert main(["compare", *ours]) == Exit.BAD_INPUT
    told = capsys.readouterr()
    assert (told.out, "b.json: " in told.err) == ("", True)


def test_means_of_which_it_is_not_known_when_they_began_are_refused():
    values = cell(around(2)).model_dump() | {"began": [builder.BEGAN]}
    with pytest.raises(ValueError, match="a time for each of the means"):
        NoiseCell.model_validate(values)


def test_each_mean_has_a_share_of_chance():
    values = cell(around(2)).model_dump() | {"by_trials_sd_percent": [1.0]}
    with pytest.raises(ValueError, match="a figure for each of the means"):
        NoiseCell.model_validate(values)


@pytest.mark.parametrize(
    "wrong",
    [{"means": means} for means in ([], [1.0], [0.0, 1.0], [-1.0, 1.0], ["x", 1.0], [[1.0], 2.0])]
    + [{"between_sd_percent": value} for value in (-1, None, "wide")]
    + [{"trial_sd_percent": -1}, {"block_sd_percent": -1}, {"load": {}}]
    + [{"began": began} for began in ("yesterday", ["2026-03-02T10:00:00Z", "never"])],
    ids=str,
)
def test_noise_that_cannot_be_is_refused(noise, ours, tmp_path, capsys, wrong):
    """The document has no digest, as if it had been written by hand."""
    noise(cell(around(2)))
    path = tmp_path / "noise" / "aa.json"
    data = json.loads(path.read_text())
    data["cells"][0] |= wrong
    path.write_text(json.dumps(data | {"digest": None}))
    assert main(["compare", *ours]) == Exit.BAD_INPUT
    told = capsys.readouterr()
    assert (told.out, f"aa.json: cells.0.{next(iter(wrong))}" in told.err) == ("", True)


def test_a_copy_of_a_noise_document_tells_nothing_more(noise, ours, compared):
    noise(cell(around(2)))
    once = compared(*ours, *GOODPUT, between=APART)
    noise(cell(around(2)), name="copy")
    assert compared(*ours, *GOODPUT, between=APART) == once
    noise(cell(around(1)), name="other")
    assert compared(*ours, *GOODPUT, between=APART) != once


def test_a_campaign_that_two_documents_have_is_taken_once(noise, ours, compared):
    """In one are the campaigns 0 to 5, in the other 3 to 8: nine in all."""
    means, began = around(2, 9), [builder.BEGAN + timedelta(hours=n) for n in range(9)]
    for name, part in (("one", slice(0, 6)), ("two", slice(3, 9))):
        of_part = cell(means[part]).model_copy(update={"began": began[part]})
        noise(of_part, name=name, measured_from=began[part.start])
    (found,) = compared(*ours, *GOODPUT, between=APART)[1]["cells"]
    assert found["noise_between"]["freedom"] == 8
    assert "measured in 9 campaigns" in found["noise_between"]["basis"]
    assert pooled([cell(means)]).by_trials == 0  # not known
    assert pooled([cell(means)]).variance == pytest.approx(
        pooled([of_part, cell(means).model_copy(update={"began": began})]).variance
    )


@pytest.mark.parametrize(("wanted", "said"), [("8", None), ("5", "not more than"), ("nan", "not")])
def test_a_wanted_difference_is_more_than_the_tolerance(ours, capsys, wanted, said):
    code = main(["compare", *ours, "--between=1", f"--wanted={wanted}"])
    assert (code == Exit.BAD_INPUT) == (said is not None)
    assert said is None or said in capsys.readouterr().err


def test_no_number_of_trials_outweighs_the_noise_between_campaigns(ours, capsys):
    main(["compare", *ours, *GOODPUT, "--between=10"])
    assert "no number of trials is enough; `fab run-ab`" in capsys.readouterr().out


def test_more_trials_are_asked_for_a_smaller_difference():
    found = paired([1.0, 1.1, 0.95, 1.02], [1.0, 1.0, 1.04, 0.97])
    numbers = [trials_to_show(found, 4, ratio, 0.05) for ratio in (1.5, 1.1, 1.05, 1.02)]
    assert numbers == sorted(numbers)
    assert numbers[0] < numbers[-1]
    assert trials_to_show(found, 4, 1.000001, 0.05) is None


def place(dice, least=2):
    return Place(
        trials=int(dice.integers(least, 11)),
        sd=spread(dice),
        block_sd=dice.uniform(0, 0.15),
        between_sd=dice.uniform(0, 0.1),
        repeats=int(dice.integers(5, 21)),
    )


@pytest.mark.parametrize("time", range(8))
def test_intervals_with_the_noise_hold_the_true_ratio_in_93_of_100_or_more(seed, dice, time):
    here = place(dice)
    count = held(here, 20_000, dice)
    assert surely_within(count, 20_000, 0.93, 1), f"{count}: seed {seed}, {here}"


@pytest.mark.parametrize("time", range(4))
def test_equal_campaigns_measured_apart_are_called_worse_in_5_of_100_at_most(seed, dice, time):
    here, cells = place(dice), int(dice.integers(1, 9))
    count = called_worse(here, cells, 4000, dice)
    assert surely_within(count, 4000, 0, 0.05), f"{count}: seed {seed}, {cells} cells, {here}"


@pytest.mark.parametrize("time", range(2))
def test_what_campaigns_apart_could_show_is_shown_in_75_to_85_of_100(seed, dice, time):
    here, cells = place(dice, least=3), int(dice.integers(1, 31))
    count = shown(here, 0.05 / cells, 1500, dice)
    assert surely_within(count, 1500, 0.75, 0.85), f"{count}: seed {seed}, {cells} cells, {here}"


def test_as_many_trials_as_asked_for_show_the_wanted_difference(seed, dice):
    here = Place(int(dice.integers(3, 11)), 0.03, 0.0, 0.0, 2)
    shows, of, _ = planned(here, 1.02, 0.05, 100, dice)
    assert surely_within(shows, of, 0.75, 0.85), f"{shows} of {of}: seed {seed}, {here}"
