"""How the other service is asked: over kept connections, as many as requests need."""

from typing import Any

from django.conf import settings
from httpx import Limits

CLIENT: dict[str, Any] = {
    "base_url": settings.UPSTREAM_URL,
    "limits": Limits(max_connections=None, max_keepalive_connections=None),
    "timeout": 90,  # seconds; the other service takes up to 60, if an experiment says so
}
