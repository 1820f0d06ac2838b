"""/api/auth/events"""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from apps.events.models import AccountEvent
from apps.events.selectors import events_of
from config.documentation import SESSION_ONLY
from config.outputs import Output


class EventOut(Output, serializers.ModelSerializer[AccountEvent]):
    class Meta:
        model = AccountEvent
        fields = ("at", "kind", "address", "device", "detail")
        read_only_fields = fields


@extend_schema(auth=SESSION_ONLY)
class EventsView(ListAPIView[AccountEvent]):
    """What happened to your account, newest first."""

    serializer_class = EventOut

    queryset = AccountEvent.objects.none()

    def get_queryset(self) -> QuerySet[AccountEvent]:
        return events_of(self.request.user.pk or 0)
