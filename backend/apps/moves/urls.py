from django.urls import path

from apps.moves import api

urlpatterns = [
    path("", api.MovesView.as_view(), name="moves"),
    # <path:>, because a clip's id is whatever its library says.
    path("/<path:clip_id>", api.MoveView.as_view(), name="move"),
]
