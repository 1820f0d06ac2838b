"""The base class of all sections of a file: it refuses unknown keys, and its values do not change."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of a file. Its validator is built when it is first needed, because few commands need all sections."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
