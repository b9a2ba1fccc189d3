"""The one table of the app. Migrations make it; ../../dataset.sql makes the same and fills it."""

from typing import Any

from django.db import models


class Movie(models.Model):
    """A movie of the collection."""

    title = models.CharField(max_length=200)
    director = models.CharField(max_length=100)
    released = models.DateField()
    minutes = models.PositiveSmallIntegerField()
    plot = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.title)

    def as_document(self) -> dict[str, Any]:
        """What both services answer of a movie, ready for JSON."""
        return {
            "id": self.pk,
            "title": self.title,
            "director": self.director,
            "released": self.released.isoformat(),
            "minutes": self.minutes,
            "plot": self.plot,
        }
