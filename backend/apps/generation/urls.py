from django.urls import path

from apps.generation import api

urlpatterns = [
    path("generate", api.GenerateView.as_view(), name="generate"),
    path("tasks", api.TasksView.as_view(), name="tasks"),
    # <path:>, because a task's id is any text: some old ones are no UUID.
    path("tasks/<path:task_id>/video", api.TaskVideoView.as_view(), name="task-video"),
    path("tasks/<path:task_id>/cancel", api.TaskCancelView.as_view(), name="task-cancel"),
    path("tasks/<path:task_id>", api.TaskView.as_view(), name="task"),
]
