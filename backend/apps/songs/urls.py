from django.urls import path

from apps.songs import api

urlpatterns = [
    path("", api.SongsView.as_view(), name="songs"),
    path("/<str:song_id>", api.SongView.as_view(), name="song"),
]
