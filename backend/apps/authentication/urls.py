from django.urls import path

from apps.authentication import api

urlpatterns = [
    path("register", api.RegisterView.as_view(), name="register"),
    path("login", api.LoginView.as_view(), name="login"),
    path("logout", api.LogoutView.as_view(), name="logout"),
    path("password", api.PasswordView.as_view(), name="password"),
    path("reset", api.ResetView.as_view(), name="reset"),
    path("reset/password", api.ResetPasswordView.as_view(), name="reset-password"),
    path("me", api.AccountView.as_view(), name="me"),
    path("me/preferences", api.PreferencesView.as_view(), name="preferences"),
]
