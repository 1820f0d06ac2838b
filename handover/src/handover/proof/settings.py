"""The section ``[prove]`` of ``handover.toml``."""

from pydantic import BaseModel, ConfigDict


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Login(_Section):
    """How people log in: what each system's login page uses, if that is more than its authentication backends.

    Attributes
    ----------
    original, backend
        Import path of a form like Django's ``AuthenticationForm``, or of a function that takes ``request``, ``login``
        and ``password`` by keyword and returns the user, or raises an error of credentials.
    """

    original: str = ""
    backend: str = ""


class Prove(_Section):
    """Where proofs are run.

    Attributes
    ----------
    pg_bin
        Folder of ``pg_dump`` and ``pg_restore``, of the server's version or newer, relative to ``handover.toml``; ``*``
        stands for anything. Else they are looked for on PATH.
    server_url_env
        Environment variable with the URL of a database on another server, on which the throw-away copy is made, as a
        role that may create databases and owns the shared tables there. Else the copy is made on the same server.
    login
        How people log in.
    """

    pg_bin: str | None = None
    server_url_env: str | None = None
    login: Login = Login()
