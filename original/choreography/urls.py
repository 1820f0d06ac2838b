"""Addresses of songs, tasks, videos and collections."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from choreography.views import collection, tasks

# A task's id may be any text without a NUL, which PostgreSQL refuses.
TASK = r"^task/(?P<task_id>[^/\x00]+)/"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="select-song")),
    path("select-song/", tasks.select_song, name="select-song"),
    path("create/", tasks.create, name="create"),
    re_path(TASK + "$", tasks.show_task, name="task"),
    re_path(TASK + "cancel/$", tasks.cancel_task, name="cancel-task"),
    path("tasks/", tasks.list_tasks, name="tasks"),
    path("video/<str:name>/", tasks.video, name="video"),
    path("collections/", collection.list_collection, name="collection"),
    path("collections/save/", collection.save, name="save-choreography"),
    path("collections/stats/", collection.show_statistics, name="collection-statistics"),
    path("collections/<uuid:choreography_id>/", collection.show_choreography, name="choreography"),
    path("collections/<uuid:choreography_id>/edit/", collection.edit_choreography, name="edit-choreography"),
    path("collections/<uuid:choreography_id>/delete/", collection.delete_choreography, name="delete-choreography"),
]
