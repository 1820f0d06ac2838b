"""/api/collections/ID/share, /api/public, /api/shared and /api/favourites"""

import uuid
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.collections.naming import song_shown, title_shown
from apps.collections.selectors import picture_of, video_of
from apps.media.pictures import picture_response
from apps.media.secrecy import keep_secret
from apps.media.streaming import VideoView
from apps.sharing import favourites, likes, selectors, services
from apps.sharing.links import secret_of
from apps.sharing.models import Favourite, Share, Visibility
from config.addresses import address_of
from config.conditions import IF_MATCH, takes_if_match
from config.documentation import NOT_MODIFIED, PROBLEMS, VIDEO
from config.inputs import Input, Parameters
from config.outputs import Output

PICTURE = {(200, "image/*"): OpenApiTypes.BINARY, 304: NOT_MODIFIED, 404: PROBLEMS}
NO_LOGIN: Any = [{}]  # extend_schema is typed for names alone


class ShareOut(Output):
    visibility = serializers.ChoiceField(Visibility.choices)
    link = serializers.SerializerMethodField(help_text="who has it sees the choreography without an account")
    shows_name = serializers.BooleanField()
    public_since = serializers.DateTimeField(allow_null=True)
    likes = serializers.SerializerMethodField()

    def get_likes(self, share: Share) -> int:
        return selectors.likes_of(share)

    def get_link(self, share: Share) -> str | None:
        secret = secret_of(share)
        return self.context["request"].build_absolute_uri(reverse("web:shared", args=[secret])) if secret else None


class ShareChange(Input):
    visibility = serializers.ChoiceField(Visibility.choices, required=False)
    shows_name = serializers.BooleanField(required=False, help_text="your display name beside it")


class Seen(Output):
    """What people without a right to the row see: of its owner nothing but the display name."""

    title = serializers.SerializerMethodField()
    by = serializers.SerializerMethodField(help_text="the owner's display name; empty if it is not shown")
    difficulty = serializers.CharField(source="choreography.difficulty")
    duration = serializers.FloatField(source="choreography.duration", allow_null=True, help_text="seconds")
    song = serializers.SerializerMethodField()

    def get_title(self, share: Share) -> str:
        return title_shown(share.choreography)

    def get_by(self, share: Share) -> str:
        return selectors.name_shown(share)

    def get_song(self, share: Share) -> str:
        return song_shown(share.choreography)


class SeenByLink(Seen):
    video = serializers.SerializerMethodField()
    thumbnail = serializers.SerializerMethodField()

    def get_video(self, _share: Share) -> str:
        return reverse("api:shared-video", args=[self.context["link"]])

    def get_thumbnail(self, share: Share) -> str | None:
        return (
            reverse("api:shared-thumbnail", args=[self.context["link"]]) if share.choreography.thumbnail_path else None
        )


class SeenByAll(Seen):
    id = serializers.UUIDField(source="pk")
    public_since = serializers.DateTimeField()
    likes = serializers.SerializerMethodField()
    video = serializers.SerializerMethodField()
    thumbnail = serializers.SerializerMethodField()

    def get_likes(self, share: Share) -> int:
        return selectors.likes_of(share)

    def get_video(self, share: Share) -> str:
        return address_of("api:public-video", share.pk)

    def get_thumbnail(self, share: Share) -> str | None:
        return address_of("api:public-thumbnail", share.pk) if share.choreography.thumbnail_path else None


class PublicWanted(Parameters):
    sort = serializers.ChoiceField(list(selectors.PUBLIC_SORTS), required=False, help_text="default: newest")


class LikeOut(Output):
    liked = serializers.BooleanField(help_text="by you")
    likes = serializers.IntegerField(help_text="of all users")


class FavouriteOut(Output, serializers.ModelSerializer[Favourite]):
    id = serializers.UUIDField(source="choreography_id")
    title = serializers.SerializerMethodField()
    is_yours = serializers.SerializerMethodField()

    class Meta:
        model = Favourite
        fields = ("id", "title", "is_yours", "added_at")
        read_only_fields = fields

    def get_title(self, favourite: Favourite) -> str:
        return title_shown(favourite.choreography)

    def get_is_yours(self, favourite: Favourite) -> bool:
        """Yours is at /api/collections/ID, another user's at /api/public/ID."""
        return favourite.choreography.user_id == favourite.user_id


class ShareView(APIView):
    @extend_schema(responses={200: ShareOut, 401: PROBLEMS, 404: PROBLEMS})
    def get(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Who sees one of your choreographies, and its link."""
        share = selectors.share_of(request.user, choreography_id)
        return Response(ShareOut(share, context={"request": request}).data)

    @extend_schema(
        request=ShareChange,
        parameters=[IF_MATCH],
        responses={200: ShareOut, 400: PROBLEMS, 401: PROBLEMS, 404: PROBLEMS},
    )
    @takes_if_match(services.hold_share)
    def patch(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Change who sees it; what is not given stays."""
        form = ShareChange(data=request.data)
        form.is_valid(raise_exception=True)
        services.change_share(user=request.user, choreography_id=choreography_id, **form.validated_data)
        return self.get(request, choreography_id)


class ShareLinkView(APIView):
    @extend_schema(request=None, responses={201: ShareOut, 401: PROBLEMS, 404: PROBLEMS})
    def post(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Make a new link. The old one is dead at once."""
        services.renew_link(user=request.user, choreography_id=choreography_id)
        share = selectors.share_of(request.user, choreography_id)
        return Response(ShareOut(share, context={"request": request}).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None, 401: PROBLEMS, 404: PROBLEMS})
    def delete(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Revoke the link, at once."""
        services.revoke_link(user=request.user, choreography_id=choreography_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class OpenToAll(APIView):
    """For everyone, with or without an account. No one is asked for a login: each answer is the same for all."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class PublicListView(OpenToAll, ListAPIView[Share]):
    serializer_class = SeenByAll
    queryset = Share.objects.none()

    def get_queryset(self) -> QuerySet[Share]:
        wanted = PublicWanted(data=self.request.query_params.dict())
        wanted.is_valid(raise_exception=True)
        return selectors.public_shares(**wanted.validated_data)

    @extend_schema(auth=NO_LOGIN, parameters=[PublicWanted], responses={200: SeenByAll(many=True), 400: PROBLEMS})
    def get(self, request: Request) -> Response:
        """Return what everyone may see, newest first or most liked first."""
        return super().get(request)


class PublicView(OpenToAll):
    @extend_schema(auth=NO_LOGIN, responses={200: SeenByAll, 404: PROBLEMS})
    def get(self, request: Request, choreography_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """One public choreography."""
        return Response(SeenByAll(selectors.public_share(choreography_id)).data)


class PublicVideoView(OpenToAll, VideoView):
    @extend_schema(auth=NO_LOGIN, responses=VIDEO)
    def get(self, request: Request, choreography_id: uuid.UUID) -> HttpResponseBase:
        """Its video, whole or by range."""
        choreography = selectors.public_share(choreography_id).choreography
        return self.respond(request, video_of(choreography), title=title_shown(choreography))


class PublicThumbnailView(OpenToAll, VideoView):
    @extend_schema(auth=NO_LOGIN, responses=PICTURE)
    def get(self, request: Request, choreography_id: uuid.UUID) -> HttpResponseBase:
        """Its picture, if it has one."""
        return picture_response(request, picture_of(selectors.public_share(choreography_id).choreography))


class SecretView(OpenToAll):
    """Behind a secret link: the answer is kept nowhere, whatever it is."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        return keep_secret(super().finalize_response(request, response, *args, **kwargs))


class SharedView(SecretView):
    @extend_schema(auth=NO_LOGIN, responses={200: SeenByLink, 404: PROBLEMS})
    def get(self, request: Request, link: str) -> Response:  # noqa: ARG002 - the framework's signature
        """Return what a link shows."""
        return Response(SeenByLink(selectors.share_by_link(link), context={"link": link}).data)


class SharedVideoView(SecretView, VideoView):
    @extend_schema(auth=NO_LOGIN, responses=VIDEO)
    def get(self, request: Request, link: str) -> HttpResponseBase:
        """Its video, whole or by range, as long as the link lives."""
        choreography = selectors.share_by_link(link).choreography
        return self.respond(request, video_of(choreography), title=title_shown(choreography))


class SharedThumbnailView(SecretView, VideoView):
    @extend_schema(auth=NO_LOGIN, responses=PICTURE)
    def get(self, request: Request, link: str) -> HttpResponseBase:
        """Its picture, if it has one, as long as the link lives."""
        return picture_response(request, picture_of(selectors.share_by_link(link).choreography))


class LikeView(APIView):
    @extend_schema(responses={200: LikeOut, 401: PROBLEMS, 404: PROBLEMS})
    def get(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Whether you like it, and how many do."""
        share = selectors.public_share(choreography_id)
        liked = share.pk in selectors.liked_among(request.user, [share.pk])
        return Response(LikeOut({"liked": liked, "likes": selectors.likes_of(share)}).data)

    @extend_schema(request=None, responses={200: LikeOut, 401: PROBLEMS, 403: PROBLEMS, 404: PROBLEMS, 429: PROBLEMS})
    def put(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Like it. A second time changes nothing."""
        number = likes.like(user=request.user, choreography_id=choreography_id)
        return Response(LikeOut({"liked": True, "likes": number}).data)

    @extend_schema(responses={200: LikeOut, 401: PROBLEMS, 403: PROBLEMS, 404: PROBLEMS, 429: PROBLEMS})
    def delete(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Take your like back."""
        number = likes.unlike(user=request.user, choreography_id=choreography_id)
        return Response(LikeOut({"liked": False, "likes": number}).data)


class FavouritesView(ListAPIView[Favourite]):
    serializer_class = FavouriteOut
    queryset = Favourite.objects.none()
    request: MemberApiRequest

    def get_queryset(self) -> QuerySet[Favourite]:
        return selectors.favourites_of(self.request.user)

    @extend_schema(responses={200: FavouriteOut(many=True), 400: PROBLEMS, 401: PROBLEMS})
    def get(self, request: Request) -> Response:
        """Your favourites, the last marked first. No other user sees them."""
        return super().get(request)


class FavouriteView(APIView):
    @extend_schema(request=None, responses={204: None, 401: PROBLEMS, 403: PROBLEMS, 404: PROBLEMS, 409: PROBLEMS})
    def put(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Mark a choreography of yours, or a public one, as a favourite."""
        favourites.add_favourite(user=request.user, choreography_id=choreography_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={204: None, 401: PROBLEMS, 403: PROBLEMS})
    def delete(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Take the mark away. Without one nothing changes."""
        favourites.remove_favourite(user=request.user, choreography_id=choreography_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
