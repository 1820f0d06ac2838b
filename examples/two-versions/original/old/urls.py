"""The addresses of the workshop."""

from django.urls import path
from workshop import views

urlpatterns = [
    path("health", views.health),
    path("repairs/", views.repairs),
    path("repairs/<int:key>/", views.repair),
]
