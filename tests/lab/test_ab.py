"""Apache Benchmark as the generator of a run."""

import pytest

from tests.lab.campaigns import OF_THIS_MACHINE, checks, has_figures, records

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
  timeout_s: 10
  keepalive: {keepalive}
"""


@pytest.mark.parametrize("keepalive", ["true", "false"])
def test_a_run_by_ab_has_figures(verified, tmp_path, keepalive):
    (tmp_path / "ab.yml").write_text(EXPERIMENT.format(keepalive=keepalive))
    folder = verified.campaign("run", str(tmp_path / "ab.yml"))
    (run,) = records(folder)
    assert has_figures(run), run
    assert checks(run, "invalid") <= OF_THIS_MACHINE, run["findings"]
    assert run["generator_version"].startswith("This is ApacheBench")
    output = run["output"]
    assert output["tool"] == "ab"
    assert output["connections"] == 10
    assert output["duration_s"] >= 2.9  # ab ran for a time, and not until a number of requests
    assert output["latency_us"]["percentiles"]["99"] is not None
    raw = (folder / run["run_id"] / "raw" / "generator.txt").read_text()
    assert ("Keep-Alive requests:" in raw) == (keepalive == "true")
