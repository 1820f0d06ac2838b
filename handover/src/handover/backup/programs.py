"""PostgreSQL's own programs; what they connect with goes through the environment, where no process list shows it."""

import subprocess

from handover.config.config import Config
from handover.errors import HandoverError
from handover.schema.programs import NO_TLS, WITH_TLS, connecting_environment, program_path
from handover.troubles import without_secrets


class BackupError(HandoverError):
    """A backup could not be made, restored, or is not what was backed up."""

    code = "HO560"


def run(config: Config, name: str, url: str, *arguments: str) -> str:
    """Run ``pg_dump`` or ``pg_restore`` on a database; return what it printed.

    Parameters
    ----------
    config
        The pair.
    name
        The program.
    url
        The database.
    *arguments
        More arguments.

    Raises
    ------
    BackupError
        It is not there, or failed; with its own words.
    """
    folder = config.backup.programs
    argv = [str(config.root / folder / name if folder else program_path(config, name)), *arguments]
    done = subprocess.run(argv, env=connecting_environment(url), capture_output=True, text=True, check=False)
    if done.returncode:
        todo = f". {WITH_TLS}" if NO_TLS in done.stderr else ""
        raise BackupError(f"{name} failed: {without_secrets(done.stderr.strip()[-2000:])}{todo}")
    return done.stdout
