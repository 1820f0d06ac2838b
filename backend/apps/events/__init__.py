"""What happened to accounts: log-ins, refusals, changes. Append-only, kept for a year."""
