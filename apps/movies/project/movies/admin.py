"""Movies in the admin."""

from django.contrib import admin

from .models import Movie


@admin.register(Movie)
class MovieAdmin(admin.ModelAdmin):
    """A list of movies one can look through."""

    list_display = ["title", "director", "released", "minutes"]
    list_filter = ["released"]
    search_fields = ["title", "director"]
