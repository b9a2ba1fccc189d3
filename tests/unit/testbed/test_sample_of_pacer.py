"""pacer keeps a sample of the answers to what the testbed asks, and the testbed checks it."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from test_asking import DRAWN, ROOT, ROW, Here, service  # noqa: F401 - a fixture

from testbed.asked import requests
from testbed.asked.answers import Answer
from testbed.model.endpoint import Endpoint
from testbed.model.load import Load
from testbed.run import sampled
from testbed.tools.pacer import Pacer
from testbed.tools.tool import SAMPLE_FILE, Target

LOAD = Load(
    mode="constant_rate", generator="pacer", from_host="client", rate_rps=60, connections=4,
    threads=1, duration_s=1, warmup_s=0, timeout_s=60,
)  # fmt: skip
PUT = {
    "method": "PUT",
    "headers": {"X-Tenant": "{who}"},
    "send": {"json": {"who": "{who}", "n": "{n}"}},
    "draw": {"who": {"choices": ["Ann B.", "Cy"]}, "n": {"from": 1, "to": 9}},
    "expect": {"json": ROW, "headers": {"X-Tenant": {"pattern": "Ann B.|Cy"}}},
}


@pytest.mark.parametrize("path", ["/item", "/bug"])
def test_a_wrong_answer_during_the_load_is_found(service, tmp_path, path):  # noqa: F811
    endpoints = {
        name: Endpoint.model_validate({"description": "d", **keys})
        for name, keys in (("rows", DRAWN), ("put", PUT))
    }
    parts = [
        requests.Part(name, 1, path, endpoint, tmp_path, Answer(200, None, b""))
        for name, endpoint in endpoints.items()
    ]
    (tmp_path / "requests.json").write_text(requests.document(parts))
    target = Target(
        f"http://127.0.0.1:{service.server_port}/", requests_file=f"{tmp_path}/requests.json",
        seed=7, keep_sample=True,
    )  # fmt: skip
    words = Pacer().command(LOAD, target, str(tmp_path), cpus=1)
    subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=True, capture_output=True)
    askers = {
        name: SimpleNamespace(endpoint=endpoint, folder=tmp_path, generating=Here())
        for name, endpoint in endpoints.items()
    }
    found = sampled.check(tmp_path / SAMPLE_FILE, askers)
    assert found["put"].ok
    assert found["rows"].answers > 1
    said = found["rows"].problem
    assert said is None if path == "/item" else "randomNumber repeats id in each of" in said
