"""Test a TCP connection: one host listens for a moment, the other one connects."""

import socket
import sys
import time
from typing import Any

LISTEN_LIMIT_S = 60  # after this time, a listener that was left behind ends by itself


def listen(address: str, port: int) -> int:
    """Accept connections until hung up. Return the exit code; it is 1 if the port is taken."""
    try:
        with socket.create_server((address, port), family=_family(address)) as server:
            _say("listening")
            end = time.monotonic() + LISTEN_LIMIT_S
            while (left_s := end - time.monotonic()) > 0:
                server.settimeout(left_s)
                server.accept()[0].close()
    except TimeoutError:
        return 0
    except OSError as error:
        _say(error.strerror or str(error))
        return 1
    return 0


def connect(own: str, peer: str, port: int, timeout_s: float) -> dict[str, Any]:
    """Try once to connect from the address `own`. `problem` is None if that succeeded."""
    try:
        with socket.create_connection((peer, port), timeout_s, source_address=(own, 0)):
            return {"problem": None}
    except TimeoutError:
        return {"problem": f"no answer within {timeout_s:g} s"}
    except OSError as error:
        return {"problem": error.strerror or str(error)}


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
