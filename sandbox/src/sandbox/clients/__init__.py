"""People with browsers: they find the service by DNS, each with a cache of its own, and use either system's pages."""
