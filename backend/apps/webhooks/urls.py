from django.urls import path

from apps.webhooks import api

urlpatterns = [
    path("", api.WebhooksView.as_view(), name="webhooks"),
    path("/<int:webhook_id>", api.WebhookView.as_view(), name="webhook"),
    path("/<int:webhook_id>/secret", api.WebhookSecretView.as_view(), name="webhook-secret"),
    path("/<int:webhook_id>/test", api.WebhookTestView.as_view(), name="webhook-test"),
    path("/<int:webhook_id>/deliveries", api.WebhookDeliveriesView.as_view(), name="webhook-deliveries"),
]
