"""The backend's apps. Without this file pytest takes ``apps/collections`` for the standard library's."""
