from django.urls import path

from apps.tokens import api

urlpatterns = [
    path("", api.TokensView.as_view(), name="tokens"),
    path("/<int:token_id>", api.TokenView.as_view(), name="token"),
]
