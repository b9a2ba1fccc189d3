"""What pacer writes is what pacer/FORMAT.md says: same keys, same kinds of values."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FORMAT = (REPOSITORY / "pacer" / "FORMAT.md").read_text()


TIMES = ("response_us", "correct_us", "failed_us", "service_us", "lag_us", "handshake_us")


class _Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def shape(value: Any) -> Any:
    """Keys and kinds of a JSON value; numbers are one kind."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return "number" if isinstance(value, int | float) else type(value).__name__


def test_the_documented_json(url: str, tmp_path: Path) -> None:
    options = ["--rate", "200", "--connections", "4", "--duration", "0.5", "--processes", "2"]
    deadline = ["--expect-length", "5", "--good-within", "50"]
    files = ["--json", str(tmp_path / "p.json"), "--timeline", str(tmp_path / "t.csv")]
    subprocess.run(
        [sys.executable, "-m", "pacer", "--url", url, *options, *files, *deadline],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    written = json.loads((tmp_path / "p.json").read_text())
    documented = json.loads(FORMAT.partition("```json\n")[2].partition("```")[0])
    assert list(written) == list(documented)
    for document in (written, documented):
        assert set(document.pop("first_errors")) <= set(document["errors"])
        texts = document.pop("error_texts")
        assert all(shape(one) == {"kind": "str", "text": "str", "count": "number"} for one in texts)
        codes = document.pop("status_codes")
        assert all(code.isdigit() and type(count) is int for code, count in codes.items())
        for name in TIMES:
            assert (document[name].pop("percentiles") == {}) == (document[name]["count"] == 0)
            document[name] = dict.fromkeys(document[name], 0)  # null where nothing was measured
    assert shape(written) == shape(documented)
    header = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert f"    {header}\n" in FORMAT


def test_the_documented_mix_and_sample(url: str, tmp_path: Path) -> None:
    """The example of a mix is taken, and its figures and its sample have the documented keys."""
    section = FORMAT.partition("## A mix of requests")[2]
    mix = json.loads(section.partition("```json\n")[2].partition("```")[0])
    for request in mix["requests"]:
        request["method"] = "GET"  # the only one that this server answers
    (tmp_path / "mix.json").write_text(json.dumps(mix))
    options = ["--rate", "100", "--connections", "4", "--duration", "0.5"]
    names = {"--requests": "mix.json", "--json": "p.json", "--sample": "s.jsonl"}
    files = [word for option, name in names.items() for word in (option, str(tmp_path / name))]
    subprocess.run(
        [sys.executable, "-m", "pacer", "--url", url, *options, *files],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    written = json.loads((tmp_path / "p.json").read_text())
    told = section.partition("**Figures.**")[2].partition("`completed`, which")[0]
    for name in ("item", "add"):
        assert list(written["by_request"][name]) == re.findall(r"`(\w+)`", told)[1:]
    example = next(line for line in section.splitlines() if line.startswith('    {"at_s"'))
    for line in (tmp_path / "s.jsonl").read_text().splitlines():
        assert list(json.loads(line)) == list(json.loads(example))
