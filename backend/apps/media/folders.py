"""The folders of the media storage, and what they say about their files."""

import re

OUTPUT = "output"
# The original's upload fields write here, without a folder for each user. Only rows say whose such a file is.
UPLOADS = ("choreographies", "thumbnails")

# At most 18 digits: PostgreSQL's bigint has no longer ones.
_OUTPUT_OF_A_USER = re.compile(r"output/user_([1-9][0-9]{0,17})/.+", re.DOTALL)


def folder_of(owner_id: int) -> str:
    """Return the folder into which both systems write the videos that they make for this user."""
    return f"{OUTPUT}/user_{owner_id}"


def maker_of(name: str) -> int | None:
    """Return the user for whom a job made this file. Only jobs write into these folders, never a client."""
    made = _OUTPUT_OF_A_USER.fullmatch(name)
    return int(made[1]) if made else None


def is_upload(name: str) -> bool:
    return name.startswith(tuple(f"{folder}/" for folder in UPLOADS))
