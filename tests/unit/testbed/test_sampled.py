"""After a load, the answers that were kept during it are compared with what each part expects."""

import base64
import json
from types import SimpleNamespace

import pytest

from testbed.errors import TestbedError
from testbed.hosts.failures import NotAnAnswer
from testbed.model.endpoint import Endpoint
from testbed.run import sampled

HOST = SimpleNamespace(role="client")
ROW = {"json": {"type": "object"}, "rules": [{"differ": ["id", "randomNumber"]}]}


@pytest.fixture
def kept(tmp_path):
    """Writes a sample of rows, by the name of the request."""

    def write(*rows):
        lines = []
        for name, document in rows:
            body = json.dumps(document).encode()
            lines.append({"name": name, "drawn": {}, "status": 200, "ok": True,
                          "content_type": "application/json", "body_bytes": len(body),
                          "body_base64": base64.b64encode(body).decode()})  # fmt: skip
        path = tmp_path / "sample.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return path

    return write


def askers(folder, *names):
    endpoint = Endpoint.model_validate({"description": "d", "expect": ROW})
    one = SimpleNamespace(endpoint=endpoint, folder=folder, generating=SimpleNamespace(host=HOST))
    return dict.fromkeys(names, one)


@pytest.mark.parametrize("name", ["", "db"])
def test_a_column_that_repeats_another_is_found_during_the_load(kept, tmp_path, name):
    path = kept(*[(name, {"id": one, "randomNumber": one}) for one in range(100)])
    (check,) = sampled.check(path, askers(tmp_path, "db")).values()
    assert (check.when, check.answers, check.ok) == ("during", 100, False)
    assert check.problem == "randomNumber repeats id in each of 100 rows"
    path = kept(*[(name, {"id": one, "randomNumber": one * 2}) for one in range(100)])
    assert sampled.check(path, askers(tmp_path, "db"))["db"].ok


def test_each_part_of_a_mix_has_its_answers(kept, tmp_path):
    path = kept(("db", {"id": 1, "randomNumber": 2}), ("page", {"id": 1}))
    found = sampled.check(path, askers(tmp_path, "db", "page", "rare"))
    assert {name: one.ok for name, one in found.items()} == {"db": True, "page": False}


def test_no_sample_is_no_check(tmp_path):
    assert sampled.check(tmp_path / "sample.jsonl", askers(tmp_path, "db")) == {}


@pytest.mark.parametrize("name", ["", "other"])
def test_a_name_that_was_not_asked_is_refused(kept, tmp_path, name):
    with pytest.raises(NotAnAnswer, match="which was not asked"):
        sampled.check(kept((name, {})), askers(tmp_path, "db", "page"))


@pytest.mark.parametrize("content", [b"nothing", b"\0", b"\xff", b"[]\n", b"{}"])
def test_what_is_no_sample_is_an_error_of_one_sentence(tmp_path, content):
    path = tmp_path / "sample.jsonl"
    path.write_bytes(content)
    with pytest.raises(TestbedError) as caught:
        sampled.check(path, askers(tmp_path, "db"))
    assert "\n" not in caught.value.message
