"""Projects that a generator draws, equal twins of them, and differences planted into them."""
