"""Looking at a Django system from outside, through its own interpreter."""
