"""What the engine is tried on: songs with known beats, clips of flashes, damaged files; the training of its weights.

Shared by the engine's tests and by ``script/bench``. The engine itself imports none of it.
"""
