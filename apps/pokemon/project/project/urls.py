"""All URLs of the project: those of its one app."""

from django.urls import include, path

urlpatterns = [path("", include("creatures.urls"))]
