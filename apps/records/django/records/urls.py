"""The endpoint's path."""

from django.urls import path

from . import views

urlpatterns = [path("records", views.RecordList.as_view())]
