"""The addresses of the accounts."""

from django.urls import path
from members import views

urlpatterns = [
    path("health", views.health),
    path("accounts/", views.accounts),
    path("accounts/<int:key>/", views.account),
]
