"""Apache Benchmark as the generator of a run."""

import pytest

from tests.lab.campaigns import OF_THIS_MACHINE, checks, records

EXPERIMENT = """\
schema_version: 1
title: ab
description: One app, with keep-alive and without.
workload: agents
apps: [aiohttp_api_hour]
endpoints: [index]
trials: 1
load:
  mode: saturation
  generator: ab
  connections: 10
  threads: 1
  duration_s: 3
  warmup_s: 1
  timeout_s: 2
  keepalive: {keepalive}
"""


@pytest.mark.parametrize("keepalive", ["true", "false"])
def test_a_run_by_ab_has_figures(verified, tmp_path, keepalive):
    (tmp_path / "ab.yml").write_text(EXPERIMENT.format(keepalive=keepalive))
    folder = verified.campaign("run", str(tmp_path / "ab.yml"))
    (run,) = records(folder)
    assert run["failure"] is None, run["failure"]
    assert checks(run, "invalid") <= OF_THIS_MACHINE, run["findings"]
    assert run["generator_version"].startswith("This is ApacheBench")
    output = run["output"]
    assert output["tool"] == "ab"
    assert output["goodput_rps"] > 0
    assert output["connections"] == 10
    # not more requests than it was allowed, but for a time
    assert output["duration_s"] == pytest.approx(3, rel=0.2)
    assert output["latency_us"]["percentiles"]["99"] is not None
    raw = (folder / run["run_id"] / "raw" / "generator.txt").read_text()
    assert ("Keep-Alive requests:" in raw) == (keepalive == "true")
