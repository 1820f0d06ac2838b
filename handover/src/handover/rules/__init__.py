"""What must hold between two systems and their database: one function a rule, one module a noun."""

from handover.rules import (  # noqa: F401 - importing a module registers its rules
    accounts,
    blocked_deletes,
    columns,
    constraints,
    fields,
    filled,
    foreign_keys,
    index_parts,
    indexes,
    logins,
    migrations,
    model_code,
    options,
    pending,
    permissions,
    relations,
    roles,
    sessions,
    settings,
    storages,
    tables,
    triggers,
    uniqueness,
    unknown_columns,
    unknown_constraints,
)
from handover.rules.registry import RULES, CheckRule

__all__ = ["RULES", "CheckRule"]
