"""/api/webhooks"""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.webhooks import selectors, services
from apps.webhooks.addresses import LONGEST_URL
from apps.webhooks.models import Delivery, Webhook
from config.conditions import IF_MATCH, takes_if_match
from config.documentation import PROBLEMS
from config.inputs import Input
from config.outputs import Output


class WebhookOut(Output, serializers.ModelSerializer[Webhook]):
    events = serializers.ListField(child=serializers.ChoiceField(Webhook.Event.choices))
    enabled = serializers.SerializerMethodField()

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = (
            "id",
            "url",
            "events",
            "enabled",
            "disabled_at",
            "disabled_reason",
            "failing_since",
            "previous_until",
            "created_at",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_enabled(self, webhook: Webhook) -> bool:
        return webhook.disabled_at is None


class WebhookWithSecret(WebhookOut):
    secret = serializers.CharField(help_text="whsec_ and base64; it is shown this once")

    class Meta(WebhookOut.Meta):
        fields = (*WebhookOut.Meta.fields, "secret")
        read_only_fields = fields


class NewWebhook(Input):
    url = serializers.CharField(max_length=LONGEST_URL, help_text="https:// and a public host")
    events = serializers.ListField(
        child=serializers.ChoiceField(Webhook.Event.choices),
        required=False,
        min_length=1,
        max_length=10,
        help_text="default: all",
    )


class WebhookChange(NewWebhook):
    enabled = serializers.BooleanField(required=False, help_text="true also after it was disabled for its failures")


class DeliveryOut(Output, serializers.ModelSerializer[Delivery]):
    state = serializers.SerializerMethodField(help_text="waiting, delivered, or failed: it was given up")

    class Meta:
        model = Delivery
        fields = (
            "id",
            "event",
            "task_id",
            "state",
            "attempts",
            "created_at",
            "delivered_at",
            "next_attempt_at",
            "last_status",
            "last_error",
        )
        read_only_fields = fields

    def get_state(self, delivery: Delivery) -> str:
        if delivery.delivered_at is not None:
            return "delivered"
        return "failed" if delivery.next_attempt_at is None else "waiting"


class WebhooksView(APIView):
    @extend_schema(responses={200: inline_serializer("WebhookList", {"results": WebhookOut(many=True)}), 401: PROBLEMS})
    def get(self, request: MemberApiRequest) -> Response:
        """Your webhooks, without their secrets; there are few, so they come at once."""
        return Response({"results": WebhookOut(selectors.webhooks_of(request.user), many=True).data})

    @extend_schema(
        request=NewWebhook,
        responses={201: WebhookWithSecret, 400: PROBLEMS, 401: PROBLEMS, 403: PROBLEMS, 409: PROBLEMS},
    )
    def post(self, request: MemberApiRequest) -> Response:
        """Add an address that is told when one of your tasks has ended. Its secret is in this answer only."""
        form = NewWebhook(data=request.data)
        form.is_valid(raise_exception=True)
        webhook, secret = services.add_webhook(user=request.user, **form.validated_data)
        location = reverse("api:webhook", args=[webhook.pk])
        return Response(_with(webhook, secret), status=status.HTTP_201_CREATED, headers={"Location": location})


class WebhookView(APIView):
    @extend_schema(responses={200: WebhookOut, 401: PROBLEMS, 404: PROBLEMS})
    def get(self, request: MemberApiRequest, webhook_id: int) -> Response:
        """One webhook."""
        return Response(WebhookOut(selectors.webhook_of(request.user, webhook_id)).data)

    @extend_schema(
        request=WebhookChange(partial=True),
        parameters=[IF_MATCH],
        responses={200: WebhookOut, 400: PROBLEMS, 401: PROBLEMS, 403: PROBLEMS, 404: PROBLEMS},
    )
    @takes_if_match(services.hold_webhook)
    def patch(self, request: MemberApiRequest, webhook_id: int) -> Response:
        """Change where it leads, what it is told, or whether it is told at all; what is not given stays."""
        form = WebhookChange(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        changed = services.change_webhook(user=request.user, webhook_id=webhook_id, **form.validated_data)
        return Response(WebhookOut(changed).data)

    @extend_schema(parameters=[IF_MATCH], responses={204: None, 401: PROBLEMS, 403: PROBLEMS, 404: PROBLEMS})
    @takes_if_match(services.hold_webhook)
    def delete(self, request: MemberApiRequest, webhook_id: int) -> Response:
        """Delete it and its log."""
        services.delete_webhook(user=request.user, webhook_id=webhook_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookSecretView(APIView):
    @extend_schema(request=None, responses={201: WebhookWithSecret, 401: PROBLEMS, 403: PROBLEMS, 404: PROBLEMS})
    def post(self, request: MemberApiRequest, webhook_id: int) -> Response:
        """Make a new secret. For a day each message has two signatures, so the receiver can change over."""
        webhook, secret = services.rotate_secret(user=request.user, webhook_id=webhook_id)
        return Response(_with(webhook, secret), status=status.HTTP_201_CREATED)


class WebhookTestView(APIView):
    @extend_schema(
        request=None, responses={202: DeliveryOut, 401: PROBLEMS, 403: PROBLEMS, 404: PROBLEMS, 409: PROBLEMS}
    )
    def post(self, request: MemberApiRequest, webhook_id: int) -> Response:
        """Send webhook.test; the log of deliveries says what came of it."""
        delivery = services.send_test(user=request.user, webhook_id=webhook_id)
        location = reverse("api:webhook-deliveries", args=[webhook_id])
        return Response(DeliveryOut(delivery).data, status=status.HTTP_202_ACCEPTED, headers={"Location": location})


class WebhookDeliveriesView(ListAPIView[Delivery]):
    serializer_class = DeliveryOut
    queryset = Delivery.objects.none()
    request: MemberApiRequest

    def get_queryset(self) -> QuerySet[Delivery]:
        return selectors.deliveries_of(selectors.webhook_of(self.request.user, self.kwargs["webhook_id"]))

    @extend_schema(responses={200: DeliveryOut(many=True), 401: PROBLEMS, 404: PROBLEMS})
    def get(self, request: MemberApiRequest, webhook_id: int) -> Response:  # type: ignore[override]  # noqa: ARG002 - the framework reads kwargs
        """What was sent to a webhook in the last 30 days, newest first."""
        return super().get(request)


def _with(webhook: Webhook, secret: str) -> dict[str, Any]:
    return {**WebhookOut(webhook).data, "secret": secret}
