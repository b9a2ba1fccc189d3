"""The same movies served by aiohttp, which takes Django's models from the project around it."""

from .app import create_app

__all__ = ["create_app"]
