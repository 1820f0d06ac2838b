from django.urls import path
from django.views.generic import RedirectView

from web import (
    account,
    again,
    clean_up,
    collection,
    discover,
    editing,
    hearts,
    look,
    profile,
    second_factor,
    sharing,
    songs,
    studio,
)

app_name = "web"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="web:studio"), name="home"),
    path("login", account.log_in, name="login"),
    path("register", account.register, name="register"),
    path("look", look.choose, name="look"),
    path("logout", account.log_out, name="logout"),
    path("account", profile.account, name="account"),
    path("account/profile", profile.change_profile, name="change-profile"),
    path("account/password", profile.change_own_password, name="change-password"),
    path("account/sessions", profile.end_others, name="end-sessions"),
    path("account/sessions/<int:session_id>", profile.end_one, name="end-session"),
    path("account/tokens", profile.make_token, name="make-token"),
    path("account/tokens/<int:token_id>", profile.end_token, name="end-token"),
    path("account/second-factor", second_factor.second_factor, name="second-factor"),
    path("studio", studio.studio, name="studio"),
    path("studio/songs", studio.upload_song, name="upload"),
    path("studio/songs/<uuid:song_id>", songs.song, name="song"),
    path("studio/songs/<uuid:song_id>/delete", songs.delete, name="delete-song"),
    # <path:>, because a task's id is any text: some old ones are no UUID.
    path("studio/<path:task_id>/again", again.again, name="again"),
    path("studio/<path:task_id>/keep", studio.keep, name="keep"),
    path("studio/<path:task_id>", studio.progress, name="progress"),
    path("collection", collection.collection, name="collection"),
    path("collection/clean-up", clean_up.make_room, name="clean-up"),
    path("collection/<uuid:choreography_id>", collection.choreography, name="choreography"),
    path("collection/<uuid:choreography_id>/edit", editing.edit, name="edit"),
    path("collection/<uuid:choreography_id>/share", sharing.share, name="share"),
    path("favourites", hearts.favourites, name="favourites"),
    path("favourites/<uuid:choreography_id>", hearts.favourite, name="favourite"),
    path("public", discover.public, name="public"),
    path("public/<uuid:choreography_id>", discover.public_choreography, name="public-choreography"),
    path("public/<uuid:choreography_id>/like", hearts.like, name="like"),
    path("shared/<str:link>", discover.shared, name="shared"),
]
