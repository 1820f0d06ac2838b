"""The queue in PostgreSQL and the leases of its workers."""
