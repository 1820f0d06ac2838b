"""Runs of commands: action by action, with an entry in the journal before and after each; locks with retries."""
