"""Read by Gunicorn at start: the one setting that its command line cannot take from a variable."""

import os

reuse_port = os.environ["REUSE_PORT"] == "1"
