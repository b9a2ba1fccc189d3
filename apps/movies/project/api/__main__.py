"""`python -m api`: one process serves by itself, more of them under Gunicorn.

These are the two ways of aiohttp's documentation, "Server Deployment".
"""

import os
import sys

from aiohttp import web

from . import create_app

GRACEFUL_TIMEOUT_S = 3


def main() -> None:
    """Serve until SIGTERM, by what the environment says."""
    if int(os.environ["WORKERS"]) == 1:
        web.run_app(
            create_app(),
            host=os.environ["ADDRESS"],
            port=int(os.environ["PORT"]),
            keepalive_timeout=int(os.environ["KEEPALIVE_S"]),
            shutdown_timeout=GRACEFUL_TIMEOUT_S * 0.8,
            access_log=None,
            backlog=2048,  # Gunicorn's
            print=None,
        )
    else:
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *gunicorn_options()])  # noqa: S606


def gunicorn_options() -> list[str]:
    """Gunicorn's command line; gunicorn.conf.py beside the project adds to it."""
    return [
        *("--bind", f"{os.environ['ADDRESS']}:{os.environ['PORT']}"),
        *("--workers", os.environ["WORKERS"]),
        *("--worker-class", "aiohttp.GunicornWebWorker"),
        *("--keep-alive", os.environ["KEEPALIVE_S"]),
        *("--graceful-timeout", str(GRACEFUL_TIMEOUT_S)),
        *("--worker-tmp-dir", "/dev/shm"),  # noqa: S108 - memory, as Gunicorn's documentation advises
        "--no-control-socket",
        "api:create_app",
    ]


if __name__ == "__main__":
    main()
