"""The library's addresses."""

from django.urls import path
from library import views

urlpatterns = [
    path("health", views.health),
    path("books/", views.books),
    path("books/<int:key>/", views.book),
]
