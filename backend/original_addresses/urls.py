"""Every address of the original that the rest of the backend does not have."""

from django.urls import path, re_path

from original_addresses import accounts, collection, tasks

# Anything without a slash or a NUL may be a task's id.
TASK = r"^task/(?P<task_id>[^/\x00]+)/"

app_name = "original_addresses"
urlpatterns = [
    path("select-song/", tasks.select_song, name="select-song"),
    path("create/", tasks.create, name="create"),
    re_path(TASK + "$", tasks.show_task, name="task"),
    re_path(TASK + "cancel/$", tasks.cancel, name="cancel"),
    path("tasks/", tasks.list_tasks, name="tasks"),
    path("video/<str:name>/", tasks.video, name="video"),
    path("collections/", collection.show_collection, name="collection"),
    path("collections/save/", collection.save, name="save"),
    path("collections/stats/", collection.stats, name="stats"),
    path("collections/<uuid:choreography_id>/", collection.show_choreography, name="choreography"),
    path("collections/<uuid:choreography_id>/edit/", collection.edit, name="edit"),
    path("collections/<uuid:choreography_id>/delete/", collection.delete, name="delete"),
    path("auth/login/", accounts.log_in, name="login"),
    path("auth/register/", accounts.register, name="register"),
    path("auth/logout/", accounts.log_out, name="logout"),
    path("auth/profile/", accounts.profile, name="profile"),
]
