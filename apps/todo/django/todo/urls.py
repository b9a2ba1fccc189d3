"""The endpoints' paths."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.item_list),
    path("add", views.add_item),
]
