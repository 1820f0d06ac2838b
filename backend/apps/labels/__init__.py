"""Tags and categories: the names under which users find again what they kept."""
