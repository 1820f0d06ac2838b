from django.urls import path

from apps.authentication import api

urlpatterns = [
    path("register", api.Register.as_view(), name="register"),
    path("login", api.Login.as_view(), name="login"),
    path("logout", api.Logout.as_view(), name="logout"),
    path("me", api.Account.as_view(), name="me"),
    path("me/preferences", api.Preferences.as_view(), name="preferences"),
]
