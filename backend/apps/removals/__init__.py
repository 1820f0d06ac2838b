"""Files that are to be removed: noted in the transaction that forgets them, so that a crash forgets no removal."""
