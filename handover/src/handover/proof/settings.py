"""The section ``[prove]`` of ``handover.toml``."""

from pydantic import BaseModel, ConfigDict


class Prove(BaseModel):
    """Where proofs are run.

    Attributes
    ----------
    pg_bin
        Folder of ``pg_dump`` and ``pg_restore``, of the server's version or newer, relative to ``handover.toml``; ``*``
        stands for anything. Else they are looked for on PATH.
    server_url_env
        Environment variable with the URL of a database on another server, on which the throw-away copy is made, as a
        role that may create databases and owns the shared tables there. Else the copy is made on the same server.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pg_bin: str | None = None
    server_url_env: str | None = None
