"""A backup that was restored and compared, or it is none."""
