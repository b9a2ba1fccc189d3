"""The aiohttp.web app as an API-Hour container."""

from .container import Container

__all__ = ["Container"]
