"""The original's addresses: open tabs, bookmarks and scripts arrive here after the switch.

What programs read (tasks, saving, stats) answers as the original did; pages lead to their successors.
"""
