"""Journeys: what people do over HTTP, step by step, run on each system."""
