"""Paths of the endpoints, the same for both apps; VIEWS says by which views they are served."""

import os

from counter import async_views, sync_views
from django.urls import path

views = {"sync": sync_views, "async": async_views}[os.environ["VIEWS"]]

urlpatterns = [
    path("static", views.static),
    path("read", views.read),
    path("update", views.update),
]
