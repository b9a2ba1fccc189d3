"""Run the other service that a workload asks, on the client host, for one run.

It belongs to the session that has the hosts reserved: it ends with it, as a generator does.
"""

import time

from testbed.errors import Exit, Interrupted, TestbedError
from testbed.hosts import causes, ports
from testbed.hosts.process import Process
from testbed.hosts.remotes import Remotes
from testbed.model.upstream import Upstream, UpstreamRecord
from testbed.validity.upstream import ROWS_FILE

READY_S = 30  # Python starts within one, on an idle host


class OtherService:
    """The other service of one run, as it is asked to be: `record` says how."""

    def __init__(self, remotes: Remotes, asked: Upstream, seed: int, folder: str) -> None:
        self._client, self._server, self._folder = remotes["client"], remotes["server"], folder
        host, self._port = self._client.host, self._client.facts.testbed_upstream_port
        address = f"{host.bench_address}:{self._port}"
        self.record = UpstreamRecord(asked=asked, seed=seed, address=address)
        self._process: Process | None = None

    def start(self) -> None:
        """Start it, and see that the server host reaches it.

        Raises TestbedError if it does not start, and LinkUnfit if its port is closed.
        """
        asked = self.record.asked
        self._process = self._client.start(
            [
                f"{self._client.facts.testbed_prefix}/bin/upstream",
                f"{self._folder}/{ROWS_FILE}",
                f"--address={self._client.host.bench_address}",
                f"--port={self._port}",
                f"--latency-ms={asked.latency_ms:g}",
                f"--distribution={asked.distribution}",
                f"--sigma={asked.sigma:g}",
                f"--seed={self.record.seed}",
            ]
        )
        deadline = time.monotonic() + READY_S
        while "ready" not in self._process.output.split():
            if self._process.wait(0.05) is not None or time.monotonic() > deadline:
                said = causes.last_word(self._process.output) or "it says nothing"
                raise TestbedError(
                    f"client host: the other service (upstream) does not start: {said}",
                    remedy=f"does another program hold TCP port {self._port} "
                    "(testbed_upstream_port)? If it is not installed: `ansible-playbook site.yml`",
                    exit_code=Exit.NOT_READY,
                )
        problem = ports.closed(self._server, self._client, self._port, "testbed_upstream_port")
        if problem:
            raise problem

    def check(self) -> None:
        """Raise Interrupted if it has ended though nobody stopped it."""
        if self._process is not None and (code := self._process.poll()) is not None:
            said = causes.last_word(self._process.output)
            raise Interrupted(
                f"client host: the other service (upstream) ended during the run (exit {code})"
                + (f": {said}" if said else "")
            )

    def stop(self) -> None:
        """Stop it, so that its file of rows is complete. It may be stopped already."""
        if self._process is not None:
            self._process.stop()
            self._process = None
