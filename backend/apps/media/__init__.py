"""Files in a folder or a bucket: whose they are, and their bytes by ranges."""
