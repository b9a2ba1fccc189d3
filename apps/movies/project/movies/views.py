"""The endpoint, in Django."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from .models import Movie


@require_GET
def movies(request: HttpRequest) -> JsonResponse:
    """All movies."""
    return JsonResponse([movie.as_document() for movie in Movie.objects.all()], safe=False)
