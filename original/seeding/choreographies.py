"""Collections: what people saved, and where the videos lie."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path, PurePosixPath

from django.conf import settings

from choreography.models import Difficulty, SavedChoreography
from seeding.files import SONGS
from seeding.source import Kind, Source, change
from users.models import User

TITLES = ("Auto-saved Choreography", "Auto-saved Choreography", "Friday social", "Clase 3: vueltas", "“Finale” 💃")
OLD_MACHINE = PurePosixPath("/home/ubuntu/bachata/media")
UPLOADED = PurePosixPath("choreographies/2023/05")

# How many a user has: mostly few, sometimes more than a page.
SIZES = (0, 0, 1, 1, 2, 3, 3, 5, 8, 23)
# The first user has one of every kind, and three pages.
FIRST_SIZE = 45
UNTIDY_SHARE = 0.05

UPLOAD = "choreographies with a path in the upload folder"
NO_PATH = "choreographies with an empty path"
GONE = "choreographies whose file is gone"

UNTIDY: dict[str, Kind] = {
    "choreographies with an absolute path": {
        "video_path": lambda row: str(Path(settings.MEDIA_ROOT) / row.video_path.name)
    },
    "choreographies with a path of an earlier machine": {
        "video_path": lambda row: str(OLD_MACHINE / row.video_path.name)
    },
    UPLOAD: {"video_path": lambda row: str(UPLOADED / PurePosixPath(row.video_path.name).name)},
    NO_PATH: {"video_path": ""},
    GONE: {},
    "choreographies with music_info that is another object": {"music_info": {"artist": "?", "bpm": 0}},
    "choreographies with music_info that is a list": {"music_info": lambda row: [row.music_info, "luna.mp3"]},
    "choreographies with music_info NULL": {"music_info": None},
    "choreographies with generation_parameters NULL": {"generation_parameters": None},
    "choreographies with a negative duration": {"duration": lambda row: -row.duration},
    "choreographies with the duration NaN": {"duration": float("nan")},
    "choreographies with an empty title": {"title": ""},
    "choreographies with the longest title": {"title": lambda row: row.title.ljust(200, "!")},
}


def choreographies_of(source: Source, users: Sequence[User]) -> tuple[list[SavedChoreography], list[str]]:
    """Draw the collections of all users, and the paths of their videos below the media root."""
    sizes = [FIRST_SIZE, *(source.chance.choice(SIZES) for _ in users[1:])]
    rows, files = [], []
    kinds = source.kinds(UNTIDY, sum(sizes), share=UNTIDY_SHARE)
    for user, size in zip(users, sizes, strict=True):
        for _ in range(size):
            row, kind = _choreography(source, user), next(kinds)
            path = str(row.video_path)
            change(row, UNTIDY[kind] if kind else {})
            rows.append(row)
            if kind not in {NO_PATH, GONE}:
                files.append(str(row.video_path) if kind == UPLOAD else path)
    return rows, files


def _choreography(source: Source, user: User) -> SavedChoreography:
    song = source.chance.choice(SONGS)
    difficulty = source.chance.choices(Difficulty.values, weights=[5, 3, 2])[0]
    # Named like the second video of a song: each has a suffix, so that no two are equal.
    suffix = format(source.chance.getrandbits(40), "010x")
    return SavedChoreography(
        id=source.uuid(),
        user=user,
        title=source.chance.choice(TITLES),
        video_path=f"output/user_{user.pk}/{PurePosixPath(song).stem}_balanced_choreography_{suffix}.mp4",
        difficulty=difficulty,
        duration=round(source.chance.uniform(90, 260), 3),
        music_info={"source": song, "difficulty": difficulty},
        generation_parameters={"difficulty": difficulty, "audio_input": song, "task_id": str(source.uuid())},
        created_at=source.moment(user.date_joined, source.now - timedelta(hours=1)),
    )
