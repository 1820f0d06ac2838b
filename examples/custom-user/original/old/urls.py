"""The addresses of the accounts."""

from accounts import views
from django.urls import path

urlpatterns = [
    path("health", views.health),
    path("accounts/", views.accounts),
    path("accounts/<int:key>/", views.account),
]
