"""An app against itself: noise that is known comes out, is written, and is what compare adds."""

import json
from datetime import timedelta

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.compare.itself import noise, repeats
from analysis.compare.noise import pooled
from analysis.load import load
from testbed import store
from testbed.errors import Exit
from testbed.model.campaign import Version, Versions
from testbed.model.noise import Noise
from tests.unit.draws import dice, same_dice, seed
from tests.unit.report import builder
from tests.unit.report.test_compare import GOODPUT, runs

__all__ = ["dice", "same_dice", "seed"]  # fixtures

NAMED = Versions(
    app="flask",
    app_title="Flask + Gunicorn",
    old=Version(app="flask_old", source="flask", commit=None),
    new=Version(app="flask_new", source="flask", commit=None),
    differences=[],
)


def campaign_of(folder, number, old, new, **other):
    """Write one campaign of an app against itself, from the goodputs of both names."""
    records = [*runs(old, app="flask_old"), *runs(new, app="flask_new")]
    records = [
        record.model_copy(update={"run_id": f"{n:03d}{record.run_id[3:]}"})
        for n, record in enumerate(records, start=1)
    ]
    about = {
        "asked": {"trials": max(record.trial for record in records)}, "versions": NAMED,
        "apps": {"flask_old": "d1", "flask_new": "d2"},
        "created_at": builder.BEGAN + timedelta(minutes=number),
    } | other  # fmt: skip
    part = folder / f"repeat-{number:02}"
    builder.write(part, builder.campaign(records, **about), records, curves=False)
    return part


@pytest.fixture
def measured(tmp_path, same_dice):
    """Writes campaigns that scatter by so much; returns their folder."""

    def write(count, trials, sd, block_sd, between_sd, factor=1.0, dice=same_dice):
        folder = tmp_path / "results" / "aa"
        for number in range(1, count + 1):
            block = dice.normal(0, between_sd) + dice.normal(0, block_sd, trials)
            old, new = (1000 * np.exp(block + dice.normal(0, sd, trials)) for _ in range(2))
            campaign_of(folder, number, list(old), list(factor * new))
        return folder

    return write


def test_spreads_that_are_known_come_out(measured, dice, seed):
    folder = measured(40, 4, 0.02, 0.05, 0.1, dice=dice)
    found = noise(repeats(folder))
    (cell,) = [cell for cell in found.cells if cell.metric == "goodput_rps"]
    # 120 and 117 degrees of freedom, or 39: by chi-square, 2e-8 is the chance to be further off
    assert cell.trial_sd_percent == pytest.approx(2, rel=0.4), seed
    assert cell.block_sd_percent == pytest.approx(5, rel=0.45), seed
    assert cell.between_sd_percent == pytest.approx(10.5, rel=0.65), seed
    # four blocks of both names: (0.05² + 0.02² / 2) / 4
    assert pooled([cell]).by_trials == pytest.approx(0.026**2, rel=0.9), seed
    assert (cell.app, cell.digest, len(cell.means)) == ("flask", "d1", 40)


def test_a_quiet_place_has_ties_and_compare_takes_its_noise(measured, tmp_path, capsys):
    folder = measured(20, 4, 0.003, 0.01, 0.01)
    assert main(["noise", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "flask against itself, experiment round2, 20 campaigns: a tie in 20 of 20" in text
    document = store.read(tmp_path / "results" / "noise" / "aa.json", Noise)
    assert len(document.campaigns) == 20
    assert document.measured_from < document.measured_to
    a, b = (
        builder.write(tmp_path / "results" / name, builder.campaign(records), records, curves=False)
        for name, records in (
            ("a", runs([1000.0, 1003.0, 998.0])), ("b", runs([700.0, 702.0, 699.0]))
        )
    )  # fmt: skip
    assert main(["compare", str(a), str(b), "--json", *GOODPUT]) == Exit.WORSE
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert cell["noise_between"]["freedom"] == 19
    assert "20 campaigns of flask" in cell["noise_between"]["basis"]


def test_campaigns_that_are_read_again_under_another_name_count_once(measured, capsys):
    folder = measured(6, 3, 0.003, 0.01, 0.01)
    assert main(["noise", str(folder)]) == 0
    campaign_of(folder, 7, [990.0, 1000.0, 1010.0], [1001.0, 1000.0, 999.0])
    assert main(["noise", str(folder.rename(folder.with_name("more")))]) == 0
    cells = [
        cell
        for name in ("aa", "more")
        for cell in store.read(folder.parent / "noise" / f"{name}.json", Noise).cells
        if cell.metric == "goodput_rps"
    ]
    assert [len(cell.means) for cell in cells] == [6, 7]
    assert pooled(cells) == pooled(cells[1:])


def test_an_app_that_differs_from_itself_too_often_is_told(measured, capsys):
    folder = measured(20, 4, 0.003, 0.0, 0.0, factor=0.8)  # its second name is slower
    assert main(["noise", str(folder)]) == Exit.WORSE
    assert "a tie in 0 of 20" in capsys.readouterr().out


def test_one_trial_judges_nothing(measured, capsys):
    folder = measured(5, 1, 0.003, 0.0, 0.0)
    assert main(["noise", str(folder)]) == Exit.NOT_VALID
    assert "a tie in 0 of 0 that could be judged; 5 could not" in capsys.readouterr().out


def test_few_campaigns_are_said_to_be_too_few(measured, capsys):
    main(["noise", str(measured(3, 4, 0.003, 0.0, 0.0))])
    assert "Fewer than 5 campaigns" in capsys.readouterr().out


def test_figures_that_are_zero_have_no_percentage(measured):
    found = noise(repeats(measured(5, 2, 0.01, 0.0, 0.0)))
    assert {cell.metric for cell in found.cells} >= {"goodput_rps", "response_p99_us"}
    assert "errors_total" not in {cell.metric for cell in found.cells}


def test_what_did_not_end_or_compares_two_versions_is_left_out(measured, tmp_path, capsys):
    folder = measured(3, 2, 0.01, 0.0, 0.0)
    campaign_of(folder, 4, [1.0], [1.0], ended_at=None)
    campaign_of(folder, 5, [1.0], [1.0], versions=NAMED.model_copy(update={"differences": ["x"]}))
    campaign_of(folder, 6, [1.0], [1.0], versions=None)
    assert [one.folder.name for one in repeats(folder)] == [f"repeat-0{n}" for n in (1, 2, 3)]
    assert load(folder / "repeat-05").campaign.versions.differences == ["x"]
    (tmp_path / "empty").mkdir()
    assert main(["noise", str(tmp_path / "empty")]) == Exit.BAD_INPUT
    assert "0 campaigns of an app against itself" in capsys.readouterr().err
    assert main(["noise", str(tmp_path / "nowhere")]) == Exit.BAD_INPUT
