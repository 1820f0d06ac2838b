"""The second factor of staff: one-time codes of an app, recovery codes, and the door of the admin site."""
