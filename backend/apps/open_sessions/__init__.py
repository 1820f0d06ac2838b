"""Sessions that are open: listed for their owner, ended one by one or all others at once."""
