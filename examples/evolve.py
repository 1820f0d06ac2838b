"""The second act of a play: the schema changes online while both systems work: ``python -m examples.evolve NAME``.

``evolution/old.py`` is what a system of the old shape does, ``evolution/new.py`` what one of the new shape does. Each
runs in the system's own Django at every stage at which that system may work, and fails when it finds something else
than it should.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from examples.play import DIFFERENT, REFUSED, FailedError, Play, main, show
from sandbox.snapshot import changes, snapshot

GATES = ("stable", "decommissioned", "users-moved", "no-rollback")
# What an evolution makes: none of it is there after a rollback, none after the contract.
_OWN = """
    SELECT format('schema %I', nspname) FROM pg_namespace WHERE nspname ~ '^phase[12]$'
    UNION ALL SELECT format('function %s', oid::regprocedure) FROM pg_proc WHERE proname ~ '^handover_evolve'
    UNION ALL SELECT format('trigger on %s', tgrelid::regclass) FROM pg_trigger WHERE tgname ~ 'handover_evolve'
    UNION ALL SELECT format('column %s.%I', attrelid::regclass, attname)
                FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
               WHERE attname ~ '_v[12]$' AND NOT attisdropped AND c.relkind IN ('r', 'v')
    UNION ALL SELECT format('relation %s', oid::regclass) FROM pg_class WHERE relname ~ '_v[12]$'
    UNION ALL SELECT format('constraint %I', conname) FROM pg_constraint WHERE conname ~ '_v[12](_|$)'
"""


@dataclass(frozen=True)
class SecondAct:
    """An example whose backend is in, and whose schema is changed."""

    play: Play

    def perform(self) -> None:
        """Start, go back, start again, switch and contract; both systems work at each stage."""
        self._prepare()
        before = self._snapshot()
        self._refused_at_first()
        with self._both_work("expanded"):
            self._start()
        with self._both_work("switched"):
            self.play.handover("evolve", "switch", "--apply")
        self.play.handover("evolve", "rollback", "--apply", "--because", "to show the way back")
        self._old_works("rolled back")
        self._nothing_left(before)
        self._start()
        self.play.handover("evolve", "switch", "--apply")
        self.play.handover("evolve", "contract", "--apply", "--confirm", self.name)
        self._new_works("contracted")
        self._own_objects_gone()
        self.play.handover("check", status=DIFFERENT)
        show("nothing of the evolution is left but the new shape")

    @property
    def name(self) -> str:
        """The evolution's name."""
        return next(iter(sorted(path.stem for path in (self.play.folder / "evolution").glob("*.toml"))))

    def _prepare(self) -> None:
        play = self.play
        # The journal's copy of an earlier play: its server is gone.
        shutil.rmtree(play.folder / ".handover", ignore_errors=True)
        play.take_in()
        play.handover("init-journal", "--apply")

    def _refused_at_first(self) -> None:
        self.play.handover("evolve", "plan")
        self.play.handover("evolve", "start", "--apply", status=REFUSED)

    def _start(self) -> None:
        overrides = [part for gate in GATES for part in ("--override", gate)]
        self.play.handover("evolve", "start", "--apply", *overrides, "--because", "an example was never moved")

    @contextmanager
    def _both_work(self, stage: str) -> Iterator[None]:
        yield
        self._old_works(stage)
        self._new_works(stage)

    def _old_works(self, stage: str) -> None:
        self._works("original", "original_app", "old.py", stage, "1")

    def _new_works(self, stage: str) -> None:
        self._works("backend", "backend_app", "new.py", stage, "2")

    def _works(self, side: str, role: str, file: str, stage: str, phase: str) -> None:
        code = (self.play.folder / "evolution" / file).read_text()
        settings = {"STAGE": stage, "SCHEMA_PHASE": phase, "DB_SEARCH_PATH": f"phase1,{self.play.example.schema}"}
        shown = f"{side}: {file} at the stage {stage!r}"
        self.play.django(side, role, "shell", "-v0", "-c", code, shown=shown, **settings)

    def _snapshot(self) -> dict[str, list[Any]]:
        return snapshot(self.play.server.url("owner", self.play.database), "backend_app")

    def _nothing_left(self, before: dict[str, list[Any]]) -> None:
        """End the play when the rollback left anything but the rows that people wrote meanwhile."""
        left = [part for part in changes(before, self._snapshot()) if not part.startswith("rows of ")]
        if left:
            raise FailedError(f"the rollback left {', '.join(sorted(left))}")
        self._own_objects_gone()
        show("the rollback left nothing of the new shape")

    def _own_objects_gone(self) -> None:
        with self.play.server.connect(self.play.database) as superuser:
            left = [what for (what,) in superuser.execute(_OWN)]
        if left:
            raise FailedError(f"the evolution left {', '.join(left)}")


def perform(play: Play) -> None:
    """Play the second act of an example."""
    SecondAct(play).perform()


if __name__ == "__main__":
    sys.exit(main(perform, "Change the schema of one of the examples online,"))
