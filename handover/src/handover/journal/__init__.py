"""The journal of the handover, its lease, and signed evidence."""
