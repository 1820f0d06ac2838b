"""What a process has loaded is not looked through for garbage again and again: that stops all requests for 0.1 s."""

import gc

WARM = 5  # full collections, after which a process has nearly all that it loads
# From then on: objects more than there were, and how many collections of a kind make one of the next.
THRESHOLDS = (700, 10, 100)


class Loaded:
    """Leaves out of all collections what lived through the first ones."""

    def __init__(self) -> None:
        self.left = WARM

    def begin(self) -> None:
        """Leave out what is loaded now."""
        gc.collect()
        gc.freeze()
        gc.collect()  # or the next full one would wait for a quarter of what is left out
        gc.callbacks.append(self.collected)

    def collected(self, phase: str, about: dict[str, int]) -> None:
        """Leave out what is loaded since; called by each collection."""
        if phase != "stop" or about["generation"] < 2:  # noqa: PLR2004 - the full one
            return
        gc.freeze()
        self.left -= 1
        if not self.left:
            gc.callbacks.remove(self.collected)
            gc.set_threshold(*THRESHOLDS)
