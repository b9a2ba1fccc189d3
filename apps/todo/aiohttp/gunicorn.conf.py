"""Read by Gunicorn at start: what its command line cannot take from a variable."""

import os

WORKERS = {"asyncio": "aiohttp.GunicornWebWorker", "uvloop": "aiohttp.GunicornUVLoopWebWorker"}

event_loop = os.environ["EVENT_LOOP"]
if event_loop not in WORKERS:
    raise ValueError(f"EVENT_LOOP={event_loop}: not one of {', '.join(WORKERS)}")
worker_class = WORKERS[event_loop]
reuse_port = os.environ["REUSE_PORT"] == "1"
