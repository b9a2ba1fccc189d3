"""Each generator of the table carries out a load: from its command line to the report."""

import pytest

from testbed.tools.table import GENERATORS
from tests.lab.campaigns import OF_THIS_MACHINE, checks, has_figures, records

EXPERIMENT = """\
schema_version: 1
title: {name}
description: One short run.
workload: agents
apps: [{app}]
endpoints: [agents]
trials: 1
load:
  mode: {mode}
  generator: {name}
  connections: 4
  threads: 1
  duration_s: 3
  warmup_s: 1
  timeout_s: 10
"""


def app(one):
    """An app that the generator can ask: Flask's sync workers close each connection."""
    return "aiohttp_api_hour" if one.keeps_connections else "flask"


def mode(one):
    """The load that a generator is for, as an experiment has it."""
    return "saturation" if one.saturates else "constant_rate\n  rate_rps: 40"


@pytest.mark.parametrize("one", GENERATORS.values(), ids=GENERATORS)
def test_a_run_by_each_generator_has_figures_and_a_report(verified, ssh, tmp_path, one):
    experiment = tmp_path / "experiment.yml"
    experiment.write_text(EXPERIMENT.format(name=one.name, app=app(one), mode=mode(one)))
    if not ssh("client", f"PATH=/opt/testbed/bin:$PATH; command -v {one.name} || true"):
        assert one.package is None  # the roles install all that is packaged
        refused = verified.fab("run", str(experiment), check=False)
        assert refused.returncode != 0
        assert f"no {one.name} there" in refused.stdout + refused.stderr
        return
    folder = verified.campaign("run", str(experiment))
    (run,) = records(folder)
    assert run["load"]["generator"] == run["output"]["tool"] == one.name
    assert has_figures(run), run
    assert checks(run, "invalid") <= OF_THIS_MACHINE, run["findings"]
    assert (run["generator_version"] is None) == (one.version_option is None)
    assert run["output"]["latency_us"]["max"] > 0
    verified.run("python", "-m", "analysis", "report", str(folder))
    assert one.name in (folder / "report" / "index.html").read_text()
