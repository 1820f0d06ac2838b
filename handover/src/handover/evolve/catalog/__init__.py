"""What the live catalog says about the tables that an evolution changes, and about what depends on them."""
