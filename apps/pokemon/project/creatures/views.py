"""The page, once by a view that waits for the database and once by one that awaits it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from .queries import ALL, ONE, SHOWN
from .sync_database import Database

database = Database(**settings.CREATURES)  # wsgi.py opens it


@require_GET
def sync_page(request: HttpRequest) -> HttpResponse:
    """All creatures, and one of them in full."""
    with database.session() as fetch:
        creatures = fetch(ALL)
        (creature,) = fetch(ONE, SHOWN)
    context = {"creatures": creatures, "creature": creature}
    return render(request, "creatures/page.html", context)


@require_GET
async def async_page(request: HttpRequest) -> HttpResponse:
    """The same."""
    async with request.scope["state"]["database"].session() as fetch:  # asgi.py put it there
        creatures = await fetch(ALL)
        (creature,) = await fetch(ONE, SHOWN)
    context = {"creatures": creatures, "creature": creature}
    return render(request, "creatures/page.html", context)
