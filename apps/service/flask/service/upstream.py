"""The way to the other service: one client for all threads, which keeps its connections."""

import atexit

import httpx
from flask import Flask, current_app

TIMEOUT_S = 90  # the other service takes up to 60, if an experiment says so
UNLIMITED = httpx.Limits(max_connections=None, max_keepalive_connections=None)


def init_app(app: Flask) -> None:
    """Give the app its client, which connects as requests need it, not before."""
    client = httpx.Client(base_url=app.config["UPSTREAM_URL"], timeout=TIMEOUT_S, limits=UNLIMITED)
    atexit.register(client.close)
    app.extensions["upstream"] = client


def value_of(number: int) -> str:
    """Ask the other service for the value of a number.

    Raises httpx.HTTPError if it does not answer, or not with the value.
    """
    client: httpx.Client = current_app.extensions["upstream"]
    value: str = client.get("/value", params={"id": number}).raise_for_status().json()["value"]
    return value
