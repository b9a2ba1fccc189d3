"""Loads that are asked for, and targets, for the tests of load generators."""

from testbed.model.experiment import LoadSpec
from testbed.tools.tool import Target

TARGET = Target("http://198.19.0.10:8080/index", "GET", 18, "ab" * 32)


def spec(**changes):
    data = {
        "mode": "constant_rate",
        "rate_rps": 4000,
        "connections": 400,
        "threads": 12,
        "duration_s": 300,
        "warmup_s": 10,
        "timeout_s": 10,
    }
    return LoadSpec.model_validate(data | changes)


SATURATION = {"mode": "saturation", "rate_rps": None}
AB = {**SATURATION, "generator": "ab", "threads": 1, "connections": 100, "timeout_s": 3}
POST = Target("http://198.19.0.10:8080/add", "POST", None, None, "application/json", "/run/x/body")
