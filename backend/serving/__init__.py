"""The web server's worker: slow clients cost a connection each, and never a thread."""
