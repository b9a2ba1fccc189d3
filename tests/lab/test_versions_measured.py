"""Two versions of an app, deployed side by side and compared; short, as only the way is tested."""

from testbed.errors import Exit
from tests.lab.campaigns import FEW_WORKERS, ROOT, has_figures, records, short

FLASK = ROOT / "apps" / "agents" / "flask"
ASKED = short(rate=40, trials=4, duration=2, warmup=1)


def measured(verified, *arguments):
    done = verified.fab(*arguments, "--endpoints=index", *ASKED, check=False)
    return done, (verified.results / "latest").resolve()


def counted(runs):
    """Whether no run of the campaign was invalid, which the machine decides."""
    return all(run["verdict"] != "invalid" for run in runs)


def test_what_is_no_version_is_refused_before_anything_is_deployed(verified):
    done, _ = measured(verified, "run-ab", "round2", "--app=flask", "--old=nowhere", "--new=HEAD")
    assert done.returncode == Exit.BAD_INPUT
    assert "nowhere: neither a folder nor a revision" in done.stderr


def test_trials_go_on_until_a_ratio_is_narrow_or_the_most_are_made(verified):
    options = [*short(rate=40, duration=2, warmup=1), "--endpoints=index", "--apps=flask,django"]
    done = verified.fab(
        *FEW_WORKERS, "--until=1%", "--most=8", "--metric=response_mean_us", *options, check=False
    )
    folder = (verified.results / "latest").resolve()
    runs = records(folder)
    assert all(has_figures(run) for run in runs), runs
    assert "the first 6 trials show that" in done.stdout
    assert f"that {len(runs) // 2} are" in done.stdout
    if counted(runs):  # two apps' means do not agree to 1 % in six trials of 2 s
        assert len(runs) == 16
        assert "scatter of the first 6" in done.stdout
