from django.urls import path

from apps.generation import api

urlpatterns = [
    path("generate", api.Generate.as_view(), name="generate"),
    path("tasks", api.Tasks.as_view(), name="tasks"),
    # <path:>, because a task's id is any text: some old ones are no UUID.
    path("tasks/<path:task_id>/video", api.TaskVideo.as_view(), name="task-video"),
    path("tasks/<path:task_id>/cancel", api.TaskCancel.as_view(), name="task-cancel"),
    path("tasks/<path:task_id>", api.Task.as_view(), name="task"),
]
