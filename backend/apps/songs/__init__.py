"""Songs: those that users bring, each its owner's alone, and those of the common folder."""
