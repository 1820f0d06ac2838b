"""/api/collections/labels"""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.labels import selectors, services
from apps.labels.models import Label
from config.documentation import PROBLEMS
from config.inputs import Input
from config.outputs import Output


class LabelOut(Output, serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ("id", "kind", "name")
        read_only_fields = fields


class NewName(Input):
    name = serializers.CharField(max_length=200)


class LabelsView(APIView):
    @extend_schema(
        responses={200: inline_serializer("LabelList", {"results": LabelOut(many=True)}), 401: PROBLEMS},
    )
    def get(self, request: MemberApiRequest) -> Response:
        """Your tags and categories; there are few, so they come at once."""
        return Response({"results": LabelOut(selectors.labels_of(request.user), many=True).data})


class LabelView(APIView):
    @extend_schema(
        request=NewName(partial=True),
        responses={200: LabelOut, 400: PROBLEMS, 401: PROBLEMS, 404: PROBLEMS, 409: PROBLEMS},
    )
    def patch(self, request: MemberApiRequest, label_id: int) -> Response:
        """Rename it, on all choreographies that have it; without a name it stays."""
        form = NewName(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        return Response(
            LabelOut(services.rename_label(user=request.user, label_id=label_id, **form.validated_data)).data
        )

    @extend_schema(responses={204: None, 401: PROBLEMS, 404: PROBLEMS})
    def delete(self, request: MemberApiRequest, label_id: int) -> Response:
        """Take it from all choreographies, which stay."""
        services.delete_label(user=request.user, label_id=label_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
