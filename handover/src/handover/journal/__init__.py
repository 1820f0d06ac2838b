"""The journal of the move, its lease, and signed evidence."""
