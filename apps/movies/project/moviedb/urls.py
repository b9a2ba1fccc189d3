"""All URLs of the project: the admin's and those of its one app."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("movies/", include("movies.urls")),
]
