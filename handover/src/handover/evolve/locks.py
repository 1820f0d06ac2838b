"""Statements with the locks that they take: what each kind of statement costs, written once."""

from handover.evolve.statement import EvolveStatement, Lock


class LockedStatements:
    """Makes statements; ``wait_ms`` is how long one may wait for a strong lock.

    Parameters
    ----------
    wait_ms
        The lock time-out, in milliseconds.
    """

    def __init__(self, wait_ms: int) -> None:
        self.wait_ms = wait_ms

    def exclusive(self, sql: str, table: str) -> EvolveStatement:
        """Return a statement that keeps readers and writers away: most forms of ALTER TABLE, DROP."""
        return self._strong(sql, table, "ACCESS EXCLUSIVE")

    def writers_wait(self, sql: str, table: str) -> EvolveStatement:
        """Return a statement that keeps writers away: CREATE TRIGGER, ADD FOREIGN KEY, LOCK for one."""
        return self._strong(sql, table, "SHARE ROW EXCLUSIVE")

    def lock(self, name: str, table: str, lock: Lock) -> EvolveStatement:
        """Return a LOCK: another statement would take this lock as well, and then it would not be seen in the plan.

        Parameters
        ----------
        name, table
            The table, as SQL and as ``schema.name``.
        lock
            The lock.
        """
        return self._strong(f"LOCK TABLE {name} IN {lock} MODE", table, lock)

    def concurrent(self, sql: str, table: str) -> EvolveStatement:
        """Return a statement that works beside readers and writers: CONCURRENTLY, VALIDATE."""
        return EvolveStatement(sql=sql, lock="SHARE UPDATE EXCLUSIVE", table=table, long=True)

    def beside(self, sql: str, table: str, lock: Lock = "SHARE UPDATE EXCLUSIVE") -> EvolveStatement:
        """Return a short statement that works beside readers and writers: COMMENT, CREATE VIEW.

        Parameters
        ----------
        sql
            The statement.
        table, lock
            The lock that it takes, and on which table.
        """
        return EvolveStatement(sql=sql, lock=lock, table=table)

    def free(self, sql: str) -> EvolveStatement:
        """Return a statement that locks no table: functions, schemas, grants, roles."""
        return EvolveStatement(sql=sql)

    def _strong(self, sql: str, table: str, lock: Lock) -> EvolveStatement:
        return EvolveStatement(sql=sql, lock=lock, table=table, wait_ms=self.wait_ms)
