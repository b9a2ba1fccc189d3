"""Ask the running app one request at a time, and compare its answers with the expected ones."""

import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from testbed.asked import answers
from testbed.hosts import causes, ports
from testbed.hosts.daemon import AppFailed, Daemon
from testbed.hosts.linkproof import LinkUnfit
from testbed.hosts.remote import CommandFailed, NotAnAnswer, Remote
from testbed.model.catalogue import Body, Endpoint, Exchange
from testbed.model.results import AnswerCheck

SLICE_S = 5  # time between two checks whether the app's unit still runs


@dataclass(frozen=True)
class Asker:
    """Asks an endpoint from the generating host. `folder` is the folder of the workload."""

    generating: Remote
    server: Remote
    daemon: Daemon
    url: str
    endpoint: Endpoint
    folder: Path

    def wait_ready(self) -> answers.Answer:
        """Wait for the app's first answer and return it.

        Raises AppFailed if no answer comes in time, and LinkUnfit if only the server host itself
        can connect to the app.
        """
        return self._ask(self.endpoint.send)

    def check_before(self, first: answers.Answer) -> list[AnswerCheck]:
        """Compare `first`, and the answers to all further exchanges, with the expected answers.

        Return one check for each of them.
        """
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
        """Check how the app answers after the load. The load's figures are kept in any case."""
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
        """Return the app's answer, and ask again until there is one.

        Raises AppFailed if no answer comes in time or the app's unit has ended.
        """
        begin = time.monotonic()
        while True:
            left_s = begin + self.daemon.start_timeout_s - time.monotonic()
            slice_s = max(1.0, min(SLICE_S, left_s))
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
            waited_s = time.monotonic() - begin
            if waited_s > self.daemon.start_timeout_s:
                said = result.stderr.strip().rpartition("last error: ")[2] or "nothing came"
                raise self.daemon.failure(
                    f"no answer from {self.url} in {waited_s:.0f} s: {said}; {self._listens()}"
                )

    def _listens(self) -> str:
        """Return in words where the app listens, and where it should if it does not."""
        wanted = urlsplit(self.url).netloc
        places = self.daemon.listening()
        said = f"it listens on {', '.join(places) or 'no TCP port'}"
        if any(ports.serves(place, wanted) for place in places):
            return said
        return f"{said}, and should on ${{ADDRESS}}:${{PORT}}, here {wanted}"

    def _closed_port(self) -> LinkUnfit | None:
        """Return the error to raise if a firewall closes the app's port, otherwise None.

        The port counts as closed by a firewall if the server host can connect and the other host
        cannot. The server host tries before and after, because an app that is still starting, or
        has a full listen queue, must not be mistaken for one behind a firewall.
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
