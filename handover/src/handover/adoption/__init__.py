"""Adopts the backend into a live database that the original owns, and removes it again without a trace."""
