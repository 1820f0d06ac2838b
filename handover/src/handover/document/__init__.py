"""The exact schema of production, and the mapping of the models, written down."""
