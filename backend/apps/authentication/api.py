"""/api/auth"""

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.validators import UnicodeUsernameValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication import passwords, resets, services
from apps.authentication.preferences import change_preferences, preferences_of
from apps.authentication.requests import MemberApiRequest
from config.conditions import IF_MATCH, takes_if_match
from config.documentation import PROBLEMS, SESSION_ONLY
from config.errors import InvalidError
from config.inputs import Input
from config.outputs import Output
from config.parsing import MergePatchParser, StrictJSONParser


class Registration(Input):
    username = serializers.CharField(max_length=150, validators=[UnicodeUsernameValidator()])
    email = serializers.EmailField(max_length=254)
    display_name = serializers.CharField(max_length=200)
    password = serializers.CharField(min_length=settings.PASSWORD_MIN_LENGTH, trim_whitespace=False, write_only=True)


class Credentials(Input):
    login = serializers.CharField(max_length=254, help_text="e-mail or username")
    password = serializers.CharField(trim_whitespace=False, write_only=True)


class Me(Output):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField()
    display_name = serializers.CharField()
    is_instructor = serializers.BooleanField()
    preferences = serializers.JSONField()


class PasswordChange(Input):
    old_password = serializers.CharField(trim_whitespace=False, write_only=True)
    new_password = serializers.CharField(
        min_length=settings.PASSWORD_MIN_LENGTH, max_length=4096, trim_whitespace=False, write_only=True
    )


class ResetWish(Input):
    email = serializers.EmailField(max_length=254, help_text="of the account")


class ResetPassword(Input):
    user_key = serializers.CharField(max_length=40, help_text="of the link in the letter: the last part but one")
    token = serializers.CharField(max_length=100, write_only=True, help_text="of the link in the letter: the last part")
    new_password = serializers.CharField(
        min_length=settings.PASSWORD_MIN_LENGTH, max_length=4096, trim_whitespace=False, write_only=True
    )


class AccountChange(Input):
    display_name = serializers.CharField(max_length=200)


class VisitorView(APIView):
    """For visitors without a session.

    There is no CSRF token before a session. JSON only (the default parser) takes its place: a form on
    another site cannot send it, and a script there would need a CORS preflight, which this service does not answer.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)


class RegisterView(VisitorView):
    @extend_schema(request=Registration, responses={201: Me, 400: PROBLEMS, 429: PROBLEMS})
    def post(self, request: Request) -> Response:
        """Create an account and log it in."""
        form = Registration(data=request.data)
        form.is_valid(raise_exception=True)
        user = services.register_user(request=request, **form.validated_data)
        return Response(Me(user).data, status=status.HTTP_201_CREATED)


class LoginView(VisitorView):
    @extend_schema(request=Credentials, responses={200: Me, 400: PROBLEMS, 401: PROBLEMS, 429: PROBLEMS})
    def post(self, request: Request) -> Response:
        """Open a session with an e-mail or username."""
        form = Credentials(data=request.data)
        form.is_valid(raise_exception=True)
        user = services.log_in(request=request, **form.validated_data)
        return Response(Me(user).data)


class LogoutView(APIView):
    @extend_schema(auth=SESSION_ONLY, request=None, responses={204: None, 401: PROBLEMS})
    def post(self, request: Request) -> Response:
        """Close the session."""
        auth.logout(request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AccountView(APIView):
    @extend_schema(responses={200: Me, 401: PROBLEMS})
    def get(self, request: MemberApiRequest) -> Response:
        """The account that is logged in."""
        return Response(Me(request.user).data)

    @extend_schema(
        request=AccountChange,
        parameters=[IF_MATCH],
        responses={200: Me, 400: PROBLEMS, 401: PROBLEMS, 403: PROBLEMS},
    )
    @takes_if_match(services.hold_account)
    def patch(self, request: MemberApiRequest) -> Response:
        """Change your name."""
        form = AccountChange(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        return Response(Me(services.change_account(user=request.user, **form.validated_data)).data)


class PasswordView(APIView):
    @extend_schema(
        auth=SESSION_ONLY,
        request=PasswordChange,
        responses={204: None, 400: PROBLEMS, 401: PROBLEMS, 403: PROBLEMS, 409: PROBLEMS, 429: PROBLEMS},
    )
    def post(self, request: MemberApiRequest) -> Response:
        """Change your password. This session stays; your other sessions and all your tokens end."""
        form = PasswordChange(data=request.data)
        form.is_valid(raise_exception=True)
        passwords.change_password(request=request, user=request.user, **form.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResetView(VisitorView):
    @extend_schema(
        request=ResetWish,
        examples=[OpenApiExample("by e-mail", {"email": "ana@example.com"}, request_only=True)],
        responses={204: None, 400: PROBLEMS, 429: PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        """Ask for a link by e-mail that sets a new password. The answer is the same if there is no such account."""
        form = ResetWish(data=request.data)
        form.is_valid(raise_exception=True)
        resets.ask_for_reset(request=request, **form.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResetPasswordView(VisitorView):
    @extend_schema(
        request=ResetPassword,
        examples=[
            OpenApiExample(
                "of a link",
                {"user_key": "MQ", "token": "d2k5bz-4f0c7e15b9a3d8e6", "new_password": "bailamos juntos"},
                description="The letter had the link https://…/reset/MQ/d2k5bz-4f0c7e15b9a3d8e6",
                request_only=True,
            )
        ],
        responses={204: None, 400: PROBLEMS, 404: PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        """Set a new password with what the link holds, once and within an hour. All sessions and tokens end."""
        form = ResetPassword(data=request.data)
        form.is_valid(raise_exception=True)
        resets.reset_password(request=request, **form.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PreferencesView(APIView):
    parser_classes = (StrictJSONParser, MergePatchParser)

    @extend_schema(responses={200: OpenApiTypes.OBJECT, 401: PROBLEMS})
    def get(self, request: MemberApiRequest) -> Response:
        """Your preferences, defaults included."""
        return Response(preferences_of(request.user))

    @extend_schema(
        request=OpenApiTypes.OBJECT,
        parameters=[IF_MATCH],
        responses={200: OpenApiTypes.OBJECT, 400: PROBLEMS, 401: PROBLEMS, 403: PROBLEMS, 409: PROBLEMS},
    )
    @takes_if_match(services.hold_account)
    def patch(self, request: MemberApiRequest) -> Response:
        """Merge into your preferences (RFC 7396): null removes a key, what is not named stays."""
        if not isinstance(request.data, dict):
            raise InvalidError("Preferences are an object.")
        return Response(change_preferences(user=request.user, patch=request.data))
