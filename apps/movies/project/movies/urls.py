"""The endpoint's path."""

from django.urls import path

from . import views

urlpatterns = [path("", views.movies)]
