from django.urls import path

from apps.collections import api, label_api
from apps.collections.link_api import ChoreographyLinkView, LinkedChoreographyView
from apps.collections.sidecar_api import ChoreographySidecarView
from apps.media.sidecar_views import sidecar_paths
from config.documentation import PROBLEMS

urlpatterns = [
    path("", api.ChoreographiesView.as_view(), name="choreographies"),
    path("/stats", api.CollectionStatsView.as_view(), name="collection-stats"),
    path("/labels", label_api.LabelsView.as_view(), name="labels"),
    path("/labels/<int:label_id>", label_api.LabelView.as_view(), name="label"),
    path("/<uuid:choreography_id>", api.ChoreographyView.as_view(), name="choreography"),
    path("/<uuid:choreography_id>/video", api.ChoreographyVideoView.as_view(), name="choreography-video"),
    path("/<uuid:choreography_id>/video/link", ChoreographyLinkView.as_view(), name="choreography-video-link"),
    path("/<uuid:choreography_id>/video/linked", LinkedChoreographyView.as_view(), name="choreography-video-linked"),
    *sidecar_paths(
        "/<uuid:choreography_id>",
        ChoreographySidecarView,
        "choreography",
        responses=dict.fromkeys((401, 404), PROBLEMS),
    ),
]
