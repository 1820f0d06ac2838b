"""Taking a system into a live database that another one owns, and out again without a trace."""
