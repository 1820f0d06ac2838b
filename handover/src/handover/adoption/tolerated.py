"""Differences between models and database that the original tolerates already; they do not refuse the backend."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from handover.adoption.history import Key
from handover.check.merging import merged
from handover.check.run import apply_rules
from handover.check.unmanaged import MADE_BY_OTHERS, weighed
from handover.config.config import Config
from handover.errors import ConfigurationError, ProbeError
from handover.finding import Finding
from handover.probe.client import probe
from handover.schema.catalog import Catalog
from handover.schema.models import Description, Migration
from handover.schema.subject import DescribedSystem, Subject, search_path_of
from handover.side import Side

SLOWER = "HO018"  # an index that is missing loses no row and refuses none
Split = tuple[tuple[Finding, ...], tuple[Finding, ...]]


class AskedOriginal:
    """The original's description. It is asked for only when it is needed: its interpreter takes a second to start.

    If it cannot be asked, it tolerates nothing, and ``unasked`` says why.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.unasked = ""

    @cached_property
    def description(self) -> Description | None:
        """The original's answer to ``describe``; None if it could not be asked."""
        system = self._config.original
        if system is None:
            return None
        try:
            with probe("the original", system, self._config.root) as asked:
                return Description.of("the original", asked.ask("describe"))
        except (ConfigurationError, ProbeError) as error:
            self.unasked = str(error)
            return None

    def same(self, migrations: Sequence[Migration]) -> frozenset[Key]:
        """Return which of these migrations the original has unchanged, since both have a package installed."""
        if not migrations or self.description is None:
            return frozenset()
        known = {migration.key: migration for migration in self.description.migrations}
        return frozenset(one.key for one in migrations if known.get(one.key) == one)

    def tolerated(self, catalog: Catalog, backend: DescribedSystem, findings: Sequence[Finding]) -> Split:
        """Split findings into those that refuse an adoption, and those that the original tolerates already.

        Parameters
        ----------
        catalog
            The live database.
        backend
            The backend and its models.
        findings
            What refuses the adoption so far.
        """
        tolerable = any(finding.code in MADE_BY_OTHERS for finding in findings)
        if not tolerable or self.description is None:
            return tuple(findings), ()
        side = DescribedSystem(Side.ORIGINAL, self.description, search_path_of(self.description, catalog))
        both = Subject(self._config, catalog, (side, backend))
        of_both = {
            (one.code, one.where, one.said)
            for one in weighed(both, merged(apply_rules(both, adoption=True)))
            if one.hurts == "both" and (one.severity == "safe" or one.code == SLOWER)
        }
        tolerated = [one for one in findings if (one.code, one.where, one.said) in of_both]
        refusing = tuple(one for one in findings if one not in tolerated)
        return refusing, tuple(replace(one, severity="safe", hurts="both") for one in tolerated)
