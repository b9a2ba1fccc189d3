"""The endpoints, by views that wait."""

from django.db.models import F
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from .models import READ, UPDATED, Counter


@require_GET
def static(request: HttpRequest) -> JsonResponse:
    """A small document."""
    return JsonResponse({"message": "Hello, World!"})


@require_GET
def read(request: HttpRequest) -> JsonResponse:
    """One row."""
    found = get_object_or_404(Counter, id=READ)
    return JsonResponse({"id": found.id, "name": found.name, "hits": found.hits})


@require_POST
def update(request: HttpRequest) -> JsonResponse:
    """One more hit of one counter."""
    updated = Counter.objects.filter(id=UPDATED).update(hits=F("hits") + 1)
    return JsonResponse({"updated": updated})
