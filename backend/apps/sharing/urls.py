from typing import Any

from django.urls import path

from apps.media.sidecar_views import sidecar_paths
from apps.media.sidecars import CAPTIONS, CHAPTERS, TIMELINE
from apps.sharing import api
from apps.sharing.sidecar_api import PublicSidecarView, SharedSidecarView
from config.documentation import PROBLEMS

# Their picture has an address already: thumbnail.
DECLARED: Any = {"kinds": (TIMELINE, CAPTIONS, CHAPTERS), "responses": {404: PROBLEMS}, "auth": api.NO_LOGIN}

urlpatterns = [
    path("collections/<uuid:choreography_id>/share", api.ShareView.as_view(), name="share"),
    path("collections/<uuid:choreography_id>/share/link", api.ShareLinkView.as_view(), name="share-link"),
    path("public", api.PublicListView.as_view(), name="public-list"),
    path("public/<uuid:choreography_id>", api.PublicView.as_view(), name="public"),
    path("public/<uuid:choreography_id>/video", api.PublicVideoView.as_view(), name="public-video"),
    path("public/<uuid:choreography_id>/thumbnail", api.PublicThumbnailView.as_view(), name="public-thumbnail"),
    *sidecar_paths("public/<uuid:choreography_id>", PublicSidecarView, "public", **DECLARED),
    path("public/<uuid:choreography_id>/like", api.LikeView.as_view(), name="like"),
    path("shared/<str:link>", api.SharedView.as_view(), name="shared"),
    path("shared/<str:link>/video", api.SharedVideoView.as_view(), name="shared-video"),
    path("shared/<str:link>/thumbnail", api.SharedThumbnailView.as_view(), name="shared-thumbnail"),
    *sidecar_paths("shared/<str:link>", SharedSidecarView, "shared", **DECLARED),
    path("favourites", api.FavouritesView.as_view(), name="favourites"),
    path("favourites/<uuid:choreography_id>", api.FavouriteView.as_view(), name="favourite"),
]
