"""Start Granian as the environment asks for it."""

import os
import sys
from pathlib import Path

BACKLOG = "2048"  # uvicorn's default
KEEPS_S = 60  # at most
ACCESSES = ("connection_per_request", "pool")


def main() -> None:
    """Become the server that the environment asks for."""
    access = os.environ["DATABASE_ACCESS"]
    if access not in ACCESSES:
        sys.exit(f"DATABASE_ACCESS={access}: not one of {', '.join(ACCESSES)}")
    kept_ms = 1000 * min(int(os.environ["KEEPALIVE_S"]), KEEPS_S)
    kept = ("--http1-header-read-timeout", str(kept_ms)) if kept_ms else ("--no-http1-keep-alive",)
    command = [
        *(f"{Path(sys.executable).parent}/granian", "--interface", "rsgi", "--http", "1"),
        *("--host", os.environ["ADDRESS"], "--port", os.environ["PORT"], "--backlog", BACKLOG),
        *("--workers", os.environ["WORKERS"], "--loop", "uvloop"),
        *("--no-ws", "--workers-kill-timeout", "3"),
        *kept,
        "service:app",
    ]
    os.execv(command[0], command)  # noqa: S606 - takes this process's place


if __name__ == "__main__":
    main()
