"""Follow a command that runs in the background on a host."""

import time

import paramiko

from testbed.hosts import causes
from testbed.hosts.failures import HostUnreachable
from testbed.model.inventory import Host

POLL_S = 0.5  # its end is noticed at once; its output is taken off the connection so often
SETTLE_S = 0.2  # until a broken connection is noticed
INTERRUPT = "\x03"
# The most that is kept of a background command's output. The rest is read and dropped.
KEPT_BYTES = 2**20


class Process:
    """A command that runs in the background on a host, on a terminal of its own.

    The terminal makes it end with this program: if this program dies, the connection closes, and
    the host's kernel hangs up the command.
    """

    def __init__(self, host: Host, command: str, channel: paramiko.Channel) -> None:
        self.host = host
        self.command = command
        self._channel = channel
        self._output = bytearray()

    def poll(self) -> int | None:
        """Return the exit code; None while it runs; causes.KILLED if a signal ended it.

        Raises HostUnreachable if the connection broke.
        """
        for _ in range(64):  # pieces of 64 KB: a host that prints for ever must not block this loop
            if not self._channel.recv_ready():
                break
            self._output += self._channel.recv(65536)[: KEPT_BYTES - len(self._output)]
        if self._channel.exit_status_ready():
            code = self._channel.recv_exit_status()
            if code == causes.KILLED and not outlived(self._channel):
                raise HostUnreachable(self.host, f"it broke during `{self.command}`")
            return code
        transport = self._channel.get_transport()
        if transport is None or not transport.is_active():
            raise HostUnreachable(self.host, f"it broke during `{self.command}`")
        return None

    def wait(self, timeout_s: float) -> int | None:
        """Wait up to `timeout_s` seconds for its end. Return the exit code, None if it runs on.

        It sleeps until paramiko knows of the end: a control machine that shares its CPU with the
        load generator, as in a lab, may not hold it up by looking twenty times a second.
        """
        deadline = time.monotonic() + timeout_s
        while (code := self.poll()) is None and (left_s := deadline - time.monotonic()) > 0:
            self._channel.status_event.wait(min(left_s, POLL_S))
        return code

    def stop(self, timeout_s: float = 5) -> None:
        """Interrupt it as Ctrl-C would. If that does not end it, hang up its terminal."""
        try:
            for wait_s in (
                1,
                timeout_s,
            ):  # twice: the command may not yet have been ready for the first one
                if self.poll() is None:
                    self._channel.send(INTERRUPT.encode())
                    self.wait(wait_s)
        except (HostUnreachable, OSError):
            pass  # the connection is gone, and the command with it
        finally:
            self._channel.close()

    @property
    def output(self) -> str:
        """What it has printed on its terminal so far, up to KEPT_BYTES."""
        return self._output.decode(errors="replace").replace("\r\n", "\n")


def outlived(channel: paramiko.Channel) -> bool:
    """Return whether the connection survived its command; a break is noticed a little later."""
    time.sleep(SETTLE_S)
    transport = channel.get_transport()
    return transport is not None and transport.is_active()
