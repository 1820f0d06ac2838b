"""Every section of ``handover.toml``, and the file as a whole."""
