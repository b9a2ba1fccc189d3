"""Start the server that SERVER names, with uvloop and a listen queue as long as uvicorn's."""

import os
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
BACKLOG = "2048"  # uvicorn's default
GRANIAN_KEEPS_S = 60  # at most
NEW_KEPT_S = "5"  # connections over which nothing was asked yet, if none is kept
APP = "service:app"

Command = list[str]


def uvicorn(address: str, port: str, workers: str, keepalive_s: str) -> Command:
    """Return uvicorn's command line."""
    return [
        *(f"{BIN}/uvicorn", "--host", address, "--port", port, "--backlog", BACKLOG),
        *("--workers", workers, "--loop", "uvloop", "--http", "httptools", "--no-access-log"),
        *("--timeout-keep-alive", keepalive_s),
        *(("--header", "Connection:close") if keepalive_s == "0" else ()),
        APP,
    ]


def granian(address: str, port: str, workers: str, keepalive_s: str) -> Command:
    """Return Granian's command line."""
    kept_ms = 1000 * min(int(keepalive_s), GRANIAN_KEEPS_S)
    kept = ("--http1-header-read-timeout", str(kept_ms)) if kept_ms else ("--no-http1-keep-alive",)
    return [
        *(f"{BIN}/granian", "--host", address, "--port", port, "--backlog", BACKLOG),
        *("--workers", workers, "--loop", "uvloop", "--interface", "asgi", "--http", "1"),
        *("--no-ws", "--workers-kill-timeout", "3"),
        *kept,
        APP,
    ]


def hypercorn(address: str, port: str, workers: str, keepalive_s: str) -> Command:
    """Return Hypercorn's command line; hypercorn.conf.py has what that cannot say."""
    # hypercorn.conf.py has each answer close; as a time, 0 would end connections before they ask
    idle_s = keepalive_s if keepalive_s != "0" else NEW_KEPT_S
    return [
        *(f"{BIN}/hypercorn", "--bind", f"{address}:{port}", "--backlog", BACKLOG),
        *("--workers", workers, "--worker-class", "uvloop", "--keep-alive", idle_s),
        *("--config", "file:hypercorn.conf.py", APP),
    ]


SERVERS = {"uvicorn": uvicorn, "granian": granian, "hypercorn": hypercorn}
CHOICES = {"SERVER": [*SERVERS], "DATABASE_ACCESS": ["connection_per_request", "pool"]}


def main() -> None:
    """Become the server that the environment asks for."""
    for name, known in CHOICES.items():
        if os.environ[name] not in known:  # uvicorn would start workers that end at once for ever
            sys.exit(f"{name}={os.environ[name]}: not one of {', '.join(known)}")
    asked = [os.environ[name] for name in ("ADDRESS", "PORT", "WORKERS", "KEEPALIVE_S")]
    command = SERVERS[os.environ["SERVER"]](*asked)
    os.execv(command[0], command)  # noqa: S606 - takes this process's place


if __name__ == "__main__":
    main()
