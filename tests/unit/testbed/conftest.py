"""A catalogue of two small apps, and an experiment over it."""

import pytest

from testbed.asked import catalogue
from testbed.model.experiment import Experiment
from tests.unit.testbed.called import gone_on, requests, told
from tests.unit.testbed.own_versions import deployed, own
from tests.unit.testbed.ssh_machine import agent, keys, machine

# fixtures
__all__ = ["agent", "deployed", "gone_on", "keys", "machine", "own", "requests", "told"]

WORKLOAD = """\
schema_version: 1
title: W
description: d
endpoints:
  index: {description: i, expect: {json_file: index.json}}
  extra: {description: e, expect: {json_file: index.json}}
"""
APP = """\
schema_version: 1
title: A
description: d
serve: "{app}/serve --workers ${WORKERS}"
settings:
  workers: {env: WORKERS, default: 16, description: w}
  mode: {env: MODE, default: sync, description: m, choices: [sync, async]}
endpoints: {index: /index}
"""


@pytest.fixture
def apps_folder(tmp_path):
    """Workload `work` with apps `first` and `second`; only `second` serves `extra`."""
    folder = tmp_path / "apps"
    for name in ("first", "second"):
        (folder / "work" / name).mkdir(parents=True)
        (folder / "work" / name / "app.yml").write_text(APP)
        (folder / "work" / name / "serve").touch(mode=0o755)
    (folder / "work" / "workload.yml").write_text(WORKLOAD)
    (folder / "work" / "index.json").write_text('{"hello": "world"}')
    second = folder / "work" / "second" / "app.yml"
    both = APP.replace("{index: /index}", "{index: /index, extra: /extra}")
    second.write_text(both.replace("title: A", "title: B"))
    return folder


@pytest.fixture
def small_catalogue(apps_folder):
    return catalogue.load(project=apps_folder)


@pytest.fixture
def experiment():
    return Experiment.model_validate(
        {
            "schema_version": 1,
            "title": "t",
            "description": "d",
            "workload": "work",
            "endpoints": ["index", "extra"],
            "trials": 3,
            "load": {
                "mode": "constant_rate",
                "rate_rps": 100,
                "connections": 20,
                "threads": 4,
                "duration_s": 5,
                "warmup_s": 1,
                "timeout_s": 2,
            },
        }
    )
