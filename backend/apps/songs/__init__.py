"""Songs that users bring."""
