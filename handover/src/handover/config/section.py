"""What every part of a file that people write is made of: nothing unknown passes, nothing changes afterwards."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of such a file; its validator is built when it is first needed, since few commands need all."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
