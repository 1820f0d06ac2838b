"""Both systems under SIGKILL and faults, and the audit afterwards: nothing lost, nothing doubled, nothing left behind.

``script/bench crash`` runs the full size, ``tests/test_crashes.py`` a small one. Only real processes: PostgreSQL, the
original, the backend, its workers, and people who send requests to both.
"""
