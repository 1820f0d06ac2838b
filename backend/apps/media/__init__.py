"""Files in a folder or a bucket, streamed by ranges."""
