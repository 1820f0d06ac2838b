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
PARALLEL_RUNNING_LIMIT: int = _env.int("PARALLEL_RUNNING_LIMIT", default=1)
JOB_LEASE_S: float = _env.float("JOB_LEASE_S", default=60.0)
JOB_SWEEP_S: float = _env.float("JOB_SWEEP_S", default=10.0)
JOB_MAX_ATTEMPTS: int = _env.int("JOB_MAX_ATTEMPTS", default=3)
JOB_TIME_LIMIT_S: float = _env.float("JOB_TIME_LIMIT_S", default=900.0)
