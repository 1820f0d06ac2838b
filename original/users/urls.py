"""Addresses below /auth/."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from users import views

urlpatterns = [
    path("register/", views.register, name="register"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("profile/", views.profile, name="profile"),
]
