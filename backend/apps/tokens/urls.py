from django.urls import path

from apps.tokens import api

urlpatterns = [
    path("", api.Tokens.as_view(), name="tokens"),
    path("/<int:token_id>", api.Token.as_view(), name="token"),
]
