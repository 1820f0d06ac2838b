"""Document, check, prove, perform, watch and undo the move from one Django system to another on one database."""
