"""Plays what people do over HTTP, step by step, on either system."""
