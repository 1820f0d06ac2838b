"""The page: Django templates and htmx, no build step."""
