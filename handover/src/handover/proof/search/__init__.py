"""The search that both systems share: asked through each one's own code, its index read from outside."""
