"""Accounts that the proof of one login makes: what was found about them, and what they may do."""
