"""The library of moves, searched by music, words and level."""
