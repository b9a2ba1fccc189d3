"""The endpoints' paths."""

from django.urls import path

from . import views

urlpatterns = [
    path("index", views.index),
    path("agents", views.agents),
    path("agents_with_orm", views.agents_with_orm),
]
