"""The endpoint's paths: the same page from both views."""

from django.urls import path

from . import views

urlpatterns = [
    path("sync", views.sync_page),
    path("async", views.async_page),
]
