"""Read by Gunicorn at start: what its command line cannot take from a variable."""

import os

reuse_port = os.environ["REUSE_PORT"] == "1"

# Python takes any text for yes here, even 0, so the variable is there or it is not.
raw_env = ["PYTHONASYNCIODEBUG=1"] if os.environ.get("ASYNCIO_DEBUG") == "1" else []
