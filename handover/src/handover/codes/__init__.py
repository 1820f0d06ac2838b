"""Every code of a finding, with its page; rules and the census's questions add theirs where they are defined."""

from handover.codes import (  # noqa: F401 - importing a module declares its codes
    accounts,
    adoption,
    concurrency,
    crossing,
    flows,
    pairs,
    search,
    shadow,
    storage,
    systems,
)
from handover.codes.code import CODES, FindingCode, Source

__all__ = ["CODES", "FindingCode", "Source"]
