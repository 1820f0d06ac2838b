from django.urls import path
from django.views.generic import RedirectView

from web import account, collection, studio

app_name = "web"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="web:studio"), name="home"),
    path("login", account.log_in, name="login"),
    path("register", account.register, name="register"),
    path("logout", account.log_out, name="logout"),
    path("studio", studio.studio, name="studio"),
    path("studio/songs", studio.upload_song, name="upload"),
    # <path:>, because a task's id is any text: some old ones are no UUID.
    path("studio/<path:task_id>/keep", studio.keep, name="keep"),
    path("studio/<path:task_id>", studio.progress, name="progress"),
    path("collection", collection.collection, name="collection"),
    path("collection/<uuid:choreography_id>", collection.choreography, name="choreography"),
]
