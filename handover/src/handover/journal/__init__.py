"""The journal of the move: in the shared database, with a copy on this machine that is read when that is down."""
