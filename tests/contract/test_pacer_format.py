"""What pacer writes is what pacer/FORMAT.md says: same keys, same kinds of values."""

import json
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
        for name in ("response_us", "correct_us", "failed_us", "service_us", "lag_us"):
            assert (document[name].pop("percentiles") == {}) == (document[name]["count"] == 0)
            document[name] = dict.fromkeys(document[name], 0)  # null where nothing was measured
    assert shape(written) == shape(documented)
    header = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert f"    {header}\n" in FORMAT
