"""Two versions of an app, deployed side by side and compared; short, as only the way is tested."""

import json
import shutil

import pytest

from testbed.errors import Exit
from tests.lab.campaigns import FEW_WORKERS, ROOT, has_figures, records, short

FEW = FEW_WORKERS[1]
FLASK = ROOT / "apps" / "agents" / "flask"
ASKED = short(rate=40, trials=4, duration=2, warmup=1)


@pytest.fixture(scope="module", autouse=True)
def versions_stay(linked):
    """The versions stay deployed until others are."""
    linked.deployed_otherwise()


@pytest.fixture
def slow(tmp_path):
    """Flask, with 300 ms more for each answer."""
    folder = tmp_path / "flask"
    shutil.copytree(FLASK, folder)
    with (folder / "agents" / "__init__.py").open("a") as code:
        code.write(
            "\n\n_fast_app = create_app\n\n\n"
            "def create_app() -> Flask:\n"
            '    """The same app, but slow."""\n'
            "    import time\n\n"
            "    app = _fast_app()\n"
            "    app.before_request(lambda: time.sleep(0.3))\n"
            "    return app\n"
        )
    return folder


def measured(linked, *arguments):
    done = linked.fab(*arguments, "--endpoints=index", *ASKED, check=False)
    return done, (linked.results / "latest").resolve()


def counted(runs):
    """Whether no run of the campaign was invalid, which the machine decides."""
    return all(run["verdict"] != "invalid" for run in runs)


def test_a_slower_version_is_worse(linked, slow):
    done, folder = measured(
        linked, "run-ab", FEW, "--app=flask", f"--old={FLASK}", f"--new={slow}",
        "--metric=response_p50_us", "--tolerance=50",
    )  # fmt: skip
    runs = records(folder)
    assert {run["app"] for run in runs} == {"flask_old", "flask_new"}
    assert len(runs) == 8
    assert all(has_figures(run) for run in runs), runs
    assert "changed file: agents/__init__.py" in done.stdout
    if counted(runs):
        assert done.returncode == Exit.WORSE, done.stdout + done.stderr
        assert "1 worse" in done.stdout
    again = linked.run("python", "-m", "analysis", "compare", str(folder), "--json",
                         "--metric=response_p50_us", "--tolerance=50", check=False)  # fmt: skip
    assert again.returncode == done.returncode
    (cell,) = json.loads(again.stdout)["cells"]
    assert cell["app"] == "flask"
    assert (folder / "apps" / "agents" / "flask_new" / "code" / "agents" / "views.py").is_file()
    resumed = linked.fab("run-ab", FEW, f"--resume={folder}", "--metric=response_p50_us",
                           "--tolerance=50", check=False)  # fmt: skip
    assert resumed.returncode == done.returncode, resumed.stdout + resumed.stderr


def test_what_is_no_version_is_refused_before_anything_is_deployed(linked):
    done, _ = measured(linked, "run-ab", FEW, "--app=flask", "--old=nowhere", "--new=HEAD")
    assert done.returncode == Exit.BAD_INPUT
    assert "nowhere: neither a folder nor a revision" in done.stderr


def test_an_app_against_itself_gives_the_noise_of_the_place(linked):
    noise = linked.results / "noise"
    before = set(noise.glob("*.json"))
    done = linked.fab(
        "run-aa", FEW, "--app=flask", "--endpoints=index", "--repeats=2",
        *short(rate=40, trials=2, duration=2, warmup=1), check=False,
    )  # fmt: skip
    (path,) = set(noise.glob("*.json")) - before
    document = json.loads(path.read_text())
    assert len(document["campaigns"]) == 2
    folder = linked.results / path.stem
    campaigns = [folder / f"repeat-{n}" for n in range(1, 3)]
    runs = [run for campaign in campaigns for run in records(campaign)]
    assert len(runs) == 8
    assert all(has_figures(run) for run in runs), runs
    # Whether 2 trials of 2 s are alike is up to the machine: 5 if no run counted, 6 if they differ
    assert done.returncode in (0, Exit.NOT_VALID, Exit.WORSE), done.stdout + done.stderr
    if counted(runs):
        assert "that could be judged" in done.stdout
        metrics = {cell["metric"] for cell in document["cells"]}
        assert "goodput_rps" in metrics
        compared = linked.run("python", "-m", "analysis", "compare", str(campaigns[0]),
                                "--json", check=False)  # fmt: skip
        assert json.loads(compared.stdout)["versions"]["differences"] == []


def test_trials_go_on_until_a_ratio_is_narrow_or_the_most_are_made(linked):
    options = [*short(rate=40, duration=2, warmup=1), "--endpoints=index", "--apps=flask,django"]
    done = linked.fab(
        *FEW_WORKERS, "--until=1%", "--most=7", "--metric=response_mean_us", *options, check=False
    )
    folder = (linked.results / "latest").resolve()
    runs = records(folder)
    assert all(has_figures(run) for run in runs), runs
    assert "the first 6 trials show that" in done.stdout
    assert f"that {len(runs) // 2} are" in done.stdout
    if counted(runs):  # two apps' means do not agree to 1 % in six trials of 2 s
        assert len(runs) == 14
        assert "scatter of the first 6" in done.stdout
