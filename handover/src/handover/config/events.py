"""``[events]`` of ``handover.toml``: where entries of the journal go."""

from pathlib import Path

from pydantic import Field

from handover.config.section import Section


class Events(Section):
    """Where each entry of the journal is sent as well, in the order in which this machine wrote them.

    Attributes
    ----------
    file
        A file that gets one line of JSON for each, relative to ``handover.toml``.
    webhook_env
        Environment variable with an address; each event is posted there, signed as Standard Webhooks says.
    secret_env
        Environment variable with the secret of that signature, in base64, with or without ``whsec_`` before it.
    timeout_s
        How long the address may take for one answer.
    linger_s
        How long a command that has ended waits for events that are not delivered yet; the next one goes on.
    """

    file: Path | None = None
    webhook_env: str | None = None
    secret_env: str = "HANDOVER_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
    timeout_s: float = Field(default=5.0, gt=0)
    linger_s: float = Field(default=5.0, ge=0)

    @property
    def wanted(self) -> bool:
        """Whether anything is sent anywhere."""
        return self.file is not None or self.webhook_env is not None
