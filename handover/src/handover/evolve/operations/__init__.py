"""The kinds of operations of an evolution, one module each."""
