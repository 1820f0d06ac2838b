"""The one module that reads the environment. Every setting is listed in docs/reference/settings.md."""

from pathlib import Path

import environ

_env = environ.Env()

SECRET_KEY: str = _env.str("SECRET_KEY")
DATABASE: dict[str, object] = _env.db_url("DATABASE_URL")
MEDIA_ROOT = Path(_env.str("MEDIA_ROOT")).absolute()
DEBUG: bool = _env.bool("DEBUG", default=False)
ALLOWED_HOSTS: list[str] = _env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
MOVES_LIBRARY = Path(_env.str("MOVES_LIBRARY", default=str(MEDIA_ROOT / "Bachata_steps"))).absolute()
CHOREOGRAPHER_CACHE = Path(_env.str("CHOREOGRAPHER_CACHE", default=str(MEDIA_ROOT.parent / "cache"))).absolute()
SONG_MAX_MB: int = _env.int("SONG_MAX_MB", default=50)
