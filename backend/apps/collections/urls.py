from django.urls import path

from apps.collections import api

urlpatterns = [
    path("", api.ChoreographiesView.as_view(), name="choreographies"),
    path("/stats", api.CollectionStatsView.as_view(), name="collection-stats"),
    path("/<uuid:choreography_id>", api.ChoreographyView.as_view(), name="choreography"),
    path("/<uuid:choreography_id>/video", api.ChoreographyVideoView.as_view(), name="choreography-video"),
]
