"""What must hold between two systems and their database: one function a rule, one module a noun."""

from handover.rules import (  # noqa: F401 - importing a module registers its rules
    columns,
    constraints,
    fields,
    filled,
    foreign_keys,
    index_parts,
    indexes,
    logins,
    migrations,
    options,
    pending,
    permissions,
    roles,
    settings,
    storages,
    tables,
    triggers,
    uniqueness,
)
from handover.rules.registry import RULES, CheckRule

__all__ = ["RULES", "CheckRule"]
