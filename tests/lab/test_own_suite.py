"""Test a suite of one's own as docs/own-app.md tells it, by the commands that stand there.

Three apps of a workload outside of apps/ come from nothing to campaigns that are compared.
"""

import itertools
import json
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from testbed.errors import Exit
from tests.lab import page
from tests.lab.campaigns import ROOT, Testbed, checks, has_figures, records, short

TITLE = "A suite, from nothing to a comparison"
BEGIN, AGAIN = page.commands("own-app.md", TITLE)
APPS = ("falcon", "mojolicious", "starlette")
PARTS = ("json", "page", "plaintext", "row", "rows", "updates")
# Endpoints of the first campaign. The mix asks all others; what is asked for is drawn and varies,
# so that answers of the load are compared, too
MEASURED = ("mixed", "row")
REPEATED = ["row"]  # of the second campaign
FALCON = Path("rows", "falcon", "service.py")
VALUE = '"value": row[1]'  # of a row, by its second column


@dataclass
class Reader:
    """Somebody who has the page, and a folder `own` of theirs."""

    testbed: Testbed
    own: Path
    campaigns: list[Path] = field(default_factory=list)
    printed: dict[str, str] = field(default_factory=dict)  # by the command's line

    def follow(self, lines, *options, codes=(0,)):
        """Do what the lines say, with further options for campaigns."""
        for line in lines:
            self._run(line, options, codes)

    def _run(self, line, options, codes):
        program, *words = (self._placed(word) for word in shlex.split(line, comments=True))
        if program == "cp":
            *_, source, to = words
            shutil.copytree(ROOT / source, to)
            return
        measures = words[0] == "run" and "--dry-run" not in words
        done = self.testbed.run(program, *words, *(options if measures else ()), check=False)
        said = done.stdout + done.stderr
        assert done.returncode in (codes if words[0] == "compare" else (0,)), f"{line}: {said}"
        self.printed[line.partition("#")[0].strip()] = said
        if measures:
            self.campaigns.append((self.testbed.results / "latest").resolve())

    def _placed(self, word):
        """Return a word of a command with the test's folders in the place of the reader's."""
        if self.campaigns:
            word = word.replace("results/FIRST", str(self.campaigns[0]))
        word = re.sub(r"^results/", f"{self.testbed.results}/", word)
        return re.sub(r"(^|=)own(?=/|$)", lambda match: match[1] + str(self.own), word)

    def said(self, beginning):
        """Return what the only command that begins so has printed."""
        (found,) = (said for line, said in self.printed.items() if line.startswith(beginning))
        return found


@pytest.fixture(scope="module")
def reader(lab, results, tmp_path_factory):
    """The reader, with nothing yet: a lab that has not been provisioned gets all by their command.

    That saves site.yml a run that hardly changes anything.
    """
    testbed = Testbed(lab.name, results)
    testbed.deployed_otherwise()
    return Reader(testbed, tmp_path_factory.mktemp("elsewhere") / "own")


@pytest.fixture(scope="module")
def begun(reader, request):
    """The reader, when they have followed the page up to the report."""
    (site,) = (number for number, line in enumerate(BEGIN) if "site.yml" in line)
    reader.follow(BEGIN[: site + 1])
    reader.testbed.has_been_provisioned()
    request.getfixturevalue("linked")
    some = f"--endpoints={','.join(MEASURED)}"
    options = short(rate=100, connections=10, duration=2, trials=2)
    reader.follow(BEGIN[site + 1 :], *options, some)
    return reader


@pytest.fixture(scope="module")
def compared(begun):
    """The reader, when they have changed an app, measured again and compared."""
    begun.printed.clear()
    code = begun.own / FALCON
    code.write_text(code.read_text() + "# a change\n")
    options = short(rate=100, connections=10, duration=2, trials=2)
    some = f"--endpoints={','.join(REPEATED)}"
    # which of them it is depends on how quiet this machine is
    codes = (0, Exit.NOT_VALID, Exit.WORSE)
    begun.follow(AGAIN, *options, some, codes=codes)
    return begun


def test_the_plan_has_every_app_and_endpoint(begun):
    plan = begun.said("fab run own/suite.yml --apps-path=own --dry-run")
    for name in (*APPS, *PARTS, "mixed"):
        assert re.search(rf"\b{name}\b", plan), name


def test_the_check_finds_nothing_wrong(begun):
    found = begun.said("fab check")
    assert f"{len(APPS)} apps: {len(APPS) * len(PARTS)} ok" in " ".join(found.split())


def test_every_app_is_measured(begun):
    runs = records(begun.campaigns[0])
    assert sorted({(run["app"], run["endpoint"]) for run in runs}) == [
        (app, endpoint) for app in APPS for endpoint in sorted(MEASURED)
    ]
    assert len(runs) == 2 * len(APPS) * len(MEASURED)
    for run in runs:
        assert has_figures(run), run
        assert all(check["ok"] for check in run["answers"]), run["answers"]
        times = {check["when"] for check in run["answers"]}
        assert {"before", "after"} <= times
        if "no_good_answer" not in checks(run, "invalid"):
            assert "during" in times, run["answers"]
        assert [f for f in run["findings"] if f["check"].startswith(("answer", "sql"))] == []


def test_a_mix_has_figures_of_each_part(begun):
    runs = [run for run in records(begun.campaigns[0]) if run["endpoint"] == "mixed"]
    for run in runs:
        assert sorted(run["output"]["by_request"]) == sorted(PARTS)
        if "no_good_answer" not in checks(run, "invalid"):
            parts = run["output"]["by_request"].values()
            assert sum(part["requests"] for part in parts) == run["output"]["requests"]


def test_all_apps_are_asked_for_the_same_rows(begun):
    runs = records(begun.campaigns[0])
    seeds = {(run["endpoint"], run["trial"]): run["requests_seed"] for run in runs}
    assert len(set(seeds.values())) == len(seeds) == 2 * len(MEASURED)
    for run in runs:
        assert run["requests_seed"] == seeds[run["endpoint"], run["trial"]] is not None


def test_the_report_names_every_app(begun):
    text = (begun.campaigns[0] / "report" / "index.html").read_text()
    for title in ("Starlette + uvicorn", "Falcon + Gunicorn", "Mojolicious"):
        assert title in text


def test_the_comparison_names_what_changed(compared):
    text = " ".join(compared.said("fab compare").split())
    assert "The code of rows/falcon differs: service.py (changed)." in text
    assert "The code of rows/starlette differs" not in text


def test_the_comparison_has_every_app_and_endpoint_that_both_campaigns_have(compared):
    folders = map(str, compared.campaigns)
    done = compared.testbed.run(
        "python", "-m", "analysis", "compare", *folders, "--json", check=False
    )
    cells = json.loads(done.stdout)["cells"]
    found = {(cell["app"], cell["endpoint"]) for cell in cells if cell["verdict"] != "no data"}
    assert found <= set(itertools.product(APPS, REPEATED))
    told = {(cell["app"], cell["endpoint"]) for cell in cells}
    assert told == set(itertools.product(APPS, MEASURED))


def test_a_second_column_that_repeats_the_first_is_found_by_check_and_campaign(compared):
    code = compared.own / FALCON
    text = code.read_text()
    assert text.count(VALUE) == 1
    code.write_text(text.replace(VALUE, VALUE.replace("1", "0")))
    path = f"--apps-path={compared.own}"
    compared.testbed.fab("deploy", "falcon", "--workload=rows", path)
    done = compared.testbed.fab("check", "--workload=rows", path, check=False)
    assert done.returncode == Exit.RUN_FAILED
    assert "value repeats id" in " ".join(done.stdout.split())
    done = compared.testbed.fab(
        *("run", str(compared.own / "suite.yml"), path, "--apps=falcon", "--endpoints=rows"),
        *short(rate=100, connections=10, duration=2),
        check=False,
    )
    assert done.returncode == Exit.RUN_FAILED
    (run,) = records((compared.testbed.results / "latest").resolve())
    assert "value repeats id in each of 50 rows" in run["failure"]["message"]
