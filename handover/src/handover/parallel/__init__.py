"""Watches both systems while they run side by side, and asks them the same questions."""
