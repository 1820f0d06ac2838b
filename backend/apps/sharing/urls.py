from django.urls import path

from apps.sharing import api

urlpatterns = [
    path("collections/<uuid:choreography_id>/share", api.ShareView.as_view(), name="share"),
    path("collections/<uuid:choreography_id>/share/link", api.ShareLinkView.as_view(), name="share-link"),
    path("public", api.PublicListView.as_view(), name="public-list"),
    path("public/<uuid:choreography_id>", api.PublicView.as_view(), name="public"),
    path("public/<uuid:choreography_id>/video", api.PublicVideoView.as_view(), name="public-video"),
    path("public/<uuid:choreography_id>/thumbnail", api.PublicThumbnailView.as_view(), name="public-thumbnail"),
    path("public/<uuid:choreography_id>/like", api.LikeView.as_view(), name="like"),
    path("shared/<str:link>", api.SharedView.as_view(), name="shared"),
    path("shared/<str:link>/video", api.SharedVideoView.as_view(), name="shared-video"),
    path("shared/<str:link>/thumbnail", api.SharedThumbnailView.as_view(), name="shared-thumbnail"),
    path("favourites", api.FavouritesView.as_view(), name="favourites"),
    path("favourites/<uuid:choreography_id>", api.FavouriteView.as_view(), name="favourite"),
]
