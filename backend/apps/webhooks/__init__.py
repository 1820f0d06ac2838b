"""Webhooks: programs of users are told when a task has ended (Standard Webhooks)."""
