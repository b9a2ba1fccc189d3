"""Which client asks the other service: over kept connections, as many as requests need."""

from django.conf import settings

URL, HTTP_CLIENT = settings.UPSTREAM_URL, settings.HTTP_CLIENT
TIMEOUT_S = 90  # the other service takes up to 60, if an experiment says so


def unknown(*known: str) -> ValueError:
    """The error of a client that is not known."""
    return ValueError(f"HTTP_CLIENT={HTTP_CLIENT}: not {' or '.join(known)}")
