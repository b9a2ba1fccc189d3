"""A running service is asked with its drawn values, by pacer's own probe over loopback."""

import contextlib
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from pacer import probe
from testbed.model.endpoint import Endpoint
from testbed.run.asking import Asker

ROOT = Path(__file__).resolve().parents[3]
ROW = {"type": "object", "required": ["id", "randomNumber"]}


class Service(BaseHTTPRequestHandler):
    """Answers with what it was asked, and remembers it."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        url, size = urlsplit(self.path), int(self.headers.get("Content-Length") or 0)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = self.rfile.read(size).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(SimpleNamespace(method=self.command, path=url.path, query=query,
                                                body=body, headers=headers))  # fmt: skip
        number = int(query.get("id", 0))
        told = {"id": number, "randomNumber": number if "bug" in url.path else number + 1}
        content = b"" if self.command == "HEAD" else json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(json.dumps(told))))
        self.send_header("X-Tenant", headers.get("x-tenant", "none"))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_TRACE = answer  # noqa: N815
    do_PROPFIND = do_purge = answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Here:
    """This machine in the place of the generating host."""

    facts = SimpleNamespace(testbed_prefix="")
    host = SimpleNamespace(role="client")

    def run(self, command, **_):
        assert command[0] == "/bin/pacer-probe"
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = probe.main(command[1:])
        return SimpleNamespace(code=code, stdout=out.getvalue(), stderr=err.getvalue())


def asker(service, path="/item", seed=1, **keys):
    endpoint = Endpoint.model_validate({"description": "d", **keys})
    url = f"http://127.0.0.1:{service.server_port}"
    daemon = SimpleNamespace(start_timeout_s=60)
    return Asker(Here(), Here(), daemon, url, path, endpoint, ROOT, seed)


TAKING = ("POST", "PUT", "PATCH", "PROPFIND")  # a body
DRAWN = {
    "query": {"id": "{id}"},
    "draw": {"id": {"from": 1, "to": 10_000}},
    "expect": {"json": ROW, "rules": [{"equals": {"id": "{id}"}}, {"differ": [*ROW["required"]]}]},
}


def checked(one):
    (check,) = one.check_before(one.wait_ready())
    return check


def test_what_is_drawn_is_asked_and_compared(service):
    check = checked(asker(service, **DRAWN))
    assert (check.ok, check.answers, check.problem) == (True, 5, None)
    first = [one.query for one in service.seen]
    assert len({one["id"] for one in first}) > 1
    assert checked(asker(service, **DRAWN)).ok
    assert [one.query for one in service.seen] == first * 2  # every app is asked the same
    assert checked(asker(service, seed=2, **DRAWN)).ok
    assert [one.query for one in service.seen[10:]] != first


def test_a_column_that_repeats_another_ends_a_run_before_its_load(service):
    check = checked(asker(service, "/bug", **DRAWN))
    assert check.problem == "randomNumber repeats id in each of 5 rows"
    assert asker(service, "/bug", **DRAWN).check_after().problem == check.problem


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "TRACE", "PROPFIND", "purge"]
)
def test_methods_headers_and_bodies_reach_the_service(service, method):
    send = {"send": {"json": {"id": "{id}", "a": "{{"}}} if method in TAKING else {}
    one = asker(
        service, "/item/{id}", method=method, headers={"X-Tenant": "no {id}"},
        draw={"id": {"choices": [17]}}, **send,
        expect={"headers": {"X-Tenant": "no 17"}, "varies": True},
    )  # fmt: skip
    assert checked(one).problem is None
    seen = service.seen[-1]
    assert (seen.method, seen.path) == (method, "/item/17")
    assert seen.body == ('{"id": 17, "a": "{"}' if send else "")
    assert seen.headers.get("content-type") == ("application/json" if send else None)


def test_further_requests_have_a_query_of_their_own(service):
    also = [
        {"description": "zero", "query": {"id": "0"}, "expect": {"json": ROW, "varies": False}},
        {"description": "put", "method": "PUT", "send": {"form": {"a": "ä b"}},
         "expect": {"json": ROW, "rules": [{"equals": {"id": "1"}}]}},
    ]  # fmt: skip
    one = asker(service, **DRAWN, also=also)
    of_load, zero, put = one.check_before(one.wait_ready())
    assert (of_load.ok, zero.ok, zero.what, put.ok) == (True, True, "zero", False)
    assert service.seen[-1].body == "a=%C3%A4%20b"
    assert service.seen[-1].headers["content-type"] == "application/x-www-form-urlencoded"
