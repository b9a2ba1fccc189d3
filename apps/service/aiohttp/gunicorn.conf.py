"""Read by Gunicorn at start: what its command line cannot take from a variable."""

import os

CHOICES = {"DATABASE_ACCESS": ("connection_per_request", "pool")}

for name, known in CHOICES.items():
    if os.environ[name] not in known:
        raise ValueError(f"{name}={os.environ[name]}: not one of {', '.join(known)}")
