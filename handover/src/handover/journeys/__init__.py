"""What people do with the systems over HTTP, written down step by step: proof, probe and load are made of it."""
