from django.urls import path

from apps.following import api

urlpatterns = [path("tasks/<path:task_id>/events", api.TaskEventsView.as_view(), name="task-events")]
