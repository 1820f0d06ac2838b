"""Imported first: pytest names a test module after its path, and would take the folder for the package."""

import bachateo  # noqa: F401
import handover  # noqa: F401
