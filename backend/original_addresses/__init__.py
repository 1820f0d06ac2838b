"""The original's addresses: open tabs, bookmarks and scripts arrive here after the switch.

Addresses for programs (tasks, saving, stats) answer as the original did; pages redirect to their successors.
"""
