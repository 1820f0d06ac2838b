"""Takes the backend into a live database that another system owns, and takes it out again without a trace."""
