"""Accounts: registration, login, profile and preferences."""
