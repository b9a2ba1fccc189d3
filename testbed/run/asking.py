"""Asking the running app one request at a time, and comparing its answers with expected ones."""

import time
from dataclasses import dataclass
from pathlib import Path

from testbed.asked import answers
from testbed.hosts import causes, ports
from testbed.hosts.daemon import AppFailed, Daemon
from testbed.hosts.linkproof import LinkUnfit
from testbed.hosts.remote import CommandFailed, NotAnAnswer, Remote
from testbed.model.catalogue import Body, Endpoint, Exchange
from testbed.model.results import AnswerCheck

READY_TIMEOUT_S = 60
SLICE_S = 5  # between two looks whether the app's unit still runs


@dataclass(frozen=True)
class Asker:
    """Asks an endpoint from the generating host. `folder`: the workload's."""

    generating: Remote
    server: Remote
    daemon: Daemon
    url: str
    endpoint: Endpoint
    folder: Path

    def wait_ready(self) -> answers.Answer:
        """The app's first answer. Raises AppFailed if there is none in time.

        Raises LinkUnfit if only the server itself can connect to the app.
        """
        return self._ask(self.endpoint.send)

    def check_before(self, first: answers.Answer) -> list[AnswerCheck]:
        """Whether `first` and the answers to all further exchanges are the expected ones."""
        return [
            answers.compare(first, self._expected(self.endpoint), "before"),
            *(
                answers.compare(
                    self._ask(exchange.send), self._expected(exchange), "before",
                    exchange.description,
                )
                for exchange in self.endpoint.also
            ),
        ]  # fmt: skip

    def check_after(self) -> AnswerCheck:
        """How it answers after the load; the load's figures stand either way."""
        try:
            answer = self._ask(self.endpoint.send)
        except AppFailed as error:
            return AnswerCheck(
                when="after",
                ok=False,
                status=None,
                content_type=None,
                body_bytes=None,
                problem=error.what,
            )
        return answers.compare(answer, self._expected(self.endpoint), "after")

    def _expected(self, asked: Endpoint | Exchange) -> answers.Expected:
        return answers.read_expected(self.folder, asked.expect)

    def _ask(self, body: Body | None) -> answers.Answer:
        """The answer, waited for as long as the app's unit runs. Raises AppFailed."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            slice_s = max(1.0, min(SLICE_S, deadline - time.monotonic()))
            result = self.generating.run(
                self._command(body, slice_s), timeout_s=slice_s + 15, check=False
            )
            if result.code == 0:
                try:
                    return answers.from_probe(result.stdout)
                except ValueError as error:
                    said = str(error).splitlines()[0]
                    raise NotAnAnswer(self.generating.host, "pacer-probe", said) from error
            if causes.of(result.code, "") == causes.MISSING:
                probe = self._command(None, slice_s)[0]
                raise CommandFailed(self.generating.host, probe, result.code, result.stderr)
            if (state := self.daemon.show()["ActiveState"]) != "active":
                raise self.daemon.failure(f"its unit is {state}")
            if problem := self._closed_port():
                raise problem
            if time.monotonic() > deadline:
                raise self.daemon.failure(result.stderr.strip() or "it gives no answer")

    def _closed_port(self) -> LinkUnfit | None:
        """A port that only the server itself can reach is a firewall's doing, not the app's.

        The server tries before and after, so that an app that was just coming up, or whose listen
        queue is full, is not taken for one behind a firewall.
        """
        server = self.server
        port = server.facts.testbed_app_port
        if self.generating.host.role == server.host.role or ports.connect(server, server, port):
            return None
        problem = ports.closed(self.generating, server, port, "testbed_app_port")
        return None if ports.connect(server, server, port) else problem

    def _command(self, body: Body | None, timeout_s: float) -> list[str]:
        command = [
            f"{self.generating.facts.testbed_prefix}/bin/pacer-probe",
            f"--url={self.url}",
            f"--timeout={timeout_s:g}",
            f"--method={self.endpoint.method}",
        ]
        if body is not None:
            text = answers.read_body(self.folder, body)
            command += [f"--header=Content-Type: {body.content_type}", f"--body={text}"]
        return command
