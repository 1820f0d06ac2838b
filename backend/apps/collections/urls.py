from django.urls import path

from apps.collections import api

urlpatterns = [
    path("", api.Choreographies.as_view(), name="choreographies"),
    path("/stats", api.CollectionStats.as_view(), name="collection-stats"),
    path("/<uuid:choreography_id>", api.Choreography.as_view(), name="choreography"),
    path("/<uuid:choreography_id>/video", api.ChoreographyVideo.as_view(), name="choreography-video"),
]
