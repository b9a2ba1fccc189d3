"""`python -m records`: aiohttp's own runner for one process, Gunicorn with its worker for more."""

import os
import sys

from aiohttp import web

from . import create_app

GRACE_S = 3

if os.environ["WORKERS"] == "1":
    web.run_app(
        create_app(),
        host=os.environ["ADDRESS"],
        port=int(os.environ["PORT"]),
        reuse_port=os.environ["REUSE_PORT"] == "1",
        keepalive_timeout=float(os.environ["KEEPALIVE_S"]),
        shutdown_timeout=GRACE_S,
        access_log=None,
    )
else:
    gunicorn = [
        *(sys.executable, "-m", "gunicorn", "records:create_app()"),
        *("--bind", f"{os.environ['ADDRESS']}:{os.environ['PORT']}"),
        *("--workers", os.environ["WORKERS"]),
        *("--worker-class", "aiohttp.GunicornWebWorker"),
        *("--keep-alive", os.environ["KEEPALIVE_S"]),
        *("--graceful-timeout", str(GRACE_S)),
        *("--worker-tmp-dir", "/dev/shm"),  # noqa: S108 - Gunicorn's advice: never a disk
        "--no-control-socket",
    ]
    os.execv(sys.executable, gunicorn)  # noqa: S606 - takes this process's place
