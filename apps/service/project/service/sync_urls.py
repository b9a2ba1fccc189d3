"""The endpoints' paths, and the views that wait."""

from django.urls import path

from . import sync_views as views

urlpatterns = [
    path("json", views.hello),
    path("items/<int:number>", views.item),
    path("page", views.page),
    path("report", views.report),
    path("upstream/<int:number>", views.upstream),
    path("slow_query", views.slow_query),
    path("cpu", views.cpu),
]
