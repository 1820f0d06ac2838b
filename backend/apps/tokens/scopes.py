"""What a token may do, decided by the address: a new address is closed to tokens until it is listed here."""

READ = "read"
SCOPES = {
    READ: "read everything that is yours",
    "songs:write": "add, rename and delete your songs",
    "choreographies:write": "make, cancel, keep, change and delete choreographies",
    "sharing:write": "decide who sees your choreographies, like public ones, and mark favourites",
    "webhooks:write": "add, change and delete webhooks",
    "account:write": "change your name and preferences",
}

# The beginnings of the routes that tokens may use, and the scope that each needs for more than reading. The first that
# fits counts.
_WRITE_SCOPES = {
    "api/collections/<uuid:choreography_id>/share": "sharing:write",
    # A link shows the video to those who have it.
    "api/collections/<uuid:choreography_id>/video/link": "sharing:write",
    "api/choreography/tasks/<path:task_id>/video/link": "sharing:write",
    "api/favourites": "sharing:write",
    "api/public": "sharing:write",
    # With the password, in a session: as a change of the password is.
    "api/auth/me/delete": None,
    "api/auth/me": "account:write",
    "api/choreography/": "choreographies:write",
    "api/collections": "choreographies:write",
    "api/moves": None,
    "api/webhooks": "webhooks:write",
    "api/songs": "songs:write",
}
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def scope_needed(method: str, route: str) -> str | None:
    """Return the scope that a token needs there; None where only a session will do."""
    for area, write_scope in _WRITE_SCOPES.items():
        if route.startswith(area):
            return READ if method in _SAFE_METHODS else write_scope
    return None
