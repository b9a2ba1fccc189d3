"""The app's name and defaults."""

from django.apps import AppConfig


class MoviesConfig(AppConfig):
    """A collection of movies."""

    name = "movies"
