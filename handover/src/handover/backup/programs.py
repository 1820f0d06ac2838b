"""PostgreSQL's own programs; what they connect with goes through the environment, where no process list shows it."""

import os
import subprocess

from psycopg.conninfo import conninfo_to_dict

from handover.config import Config
from handover.errors import HandoverError

VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


class BackupError(HandoverError):
    """A backup could not be made, restored, or is not what was backed up."""

    code = "HO560"


def run(config: Config, program: str, url: str, *arguments: str) -> None:
    """Run ``pg_dump`` or ``pg_restore`` on a database.

    Raises
    ------
    BackupError
        It is not there, or failed; with its own words.
    """
    folder = config.backup.programs
    path = str(config.root / folder / program) if folder else program
    given = conninfo_to_dict(url)
    environment = os.environ | {ours: str(given[theirs]) for theirs, ours in VARIABLES.items() if theirs in given}
    try:
        done = subprocess.run([path, *arguments], env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        message = f"{path} could not be started: {error.strerror}."
        raise BackupError(
            f"{message} Install PostgreSQL's client programs, or name their folder: [backup] programs"
        ) from error
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-2000:]}")
