"""The live rows, counted where they would surprise one of the systems."""
