from django.urls import path

from apps.generation import api
from apps.generation.link_api import LinkedTaskView, TaskLinkView
from apps.generation.sidecar_api import TaskSidecarView
from apps.media.sidecar_views import sidecar_paths
from config.documentation import PROBLEMS

urlpatterns = [
    path("generate", api.GenerateView.as_view(), name="generate"),
    path("tasks", api.TasksView.as_view(), name="tasks"),
    # <path:>, because a task's id is any text: some old ones are no UUID.
    path("tasks/<path:task_id>/video", api.TaskVideoView.as_view(), name="task-video"),
    path("tasks/<path:task_id>/video/link", TaskLinkView.as_view(), name="task-video-link"),
    path("tasks/<path:task_id>/video/linked", LinkedTaskView.as_view(), name="task-video-linked"),
    *sidecar_paths(
        "tasks/<path:task_id>", TaskSidecarView, "task", responses=dict.fromkeys((401, 404, 409, 410), PROBLEMS)
    ),
    path("tasks/<path:task_id>/swap", api.TaskSwapView.as_view(), name="task-swap"),
    path("tasks/<path:task_id>/forget", api.TaskForgetView.as_view(), name="task-forget"),
    path("tasks/<path:task_id>/cancel", api.TaskCancelView.as_view(), name="task-cancel"),
    path("tasks/<path:task_id>", api.TaskView.as_view(), name="task"),
]
