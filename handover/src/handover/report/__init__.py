"""The report of a move: one page for the manager, the DBA and the developer."""
