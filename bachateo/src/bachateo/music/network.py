"""BeatNet's network in numpy: how much each frame sounds like a beat or a downbeat."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bachateo.music.weights import MODELS, Weights, read_weights

HIDDEN = 150
LAYERS = 2
BLOCK = 1024
HALF = np.float32(0.5)

Array = NDArray[np.float32]


def beat_activations(features: Array) -> Array:
    """Return the probability of a beat and of a downbeat in each frame.

    Parameters
    ----------
    features
        Shape ``(frames, 272)``, from :func:`bachateo.music.features.beat_features`.

    Returns
    -------
    ndarray
        Shape ``(frames, 2)``: beat that is no downbeat, downbeat. The mean of the three models.

    Notes
    -----
    Frame by frame, since the memory of this network does not fade: started anew in the middle of a song it says
    something else even 40 s later, so that parts of a song cannot be run side by side. What is run side by side
    are the three models and both layers, the second one block behind the first.
    """
    models = [read_weights(model) for model in MODELS]
    bands = [_Convolution(weights, features.shape[1]) for weights in models]
    blocks = [features[start : start + BLOCK] for start in range(0, len(features), BLOCK)]
    hidden = (np.stack([convolution(block) for convolution in bands]) for block in blocks)
    return np.concatenate([_probabilities(states, models) for states in _recurrent(hidden, models)])


def _probabilities(states: Array, models: list[Weights]) -> Array:
    scores = np.stack(
        [state @ w["linear.weight"].T + w["linear.bias"] for state, w in zip(states, models, strict=True)]
    )
    likelihoods = np.exp(scores - scores.max(axis=2, keepdims=True))
    probabilities: Array = (likelihoods / likelihoods.sum(axis=2, keepdims=True)).mean(axis=0)
    return probabilities[:, :2]


class _Convolution:
    """Convolve along the frequencies, pool pairs, project: ``(frames, 272)`` to ``(frames, 150)``."""

    def __init__(self, weights: Weights, width: int) -> None:
        kernel = weights["conv1.weight"][:, 0]
        taps = kernel.shape[1]
        # One matrix product is faster than ten strided ones. Both places of a pooled pair stand side by side.
        pairs = (width - taps + 1) // 2
        band = np.zeros((2, width, len(kernel), pairs), np.float32)
        for side in (0, 1):
            for pair in range(pairs):
                first = 2 * pair + side
                band[side, first : first + taps, :, pair] = kernel.T
        self.band = band.reshape(2, width, -1)
        self.bias = np.repeat(weights["conv1.bias"], pairs)
        self.weights = weights

    def __call__(self, features: Array) -> Array:
        pooled = np.maximum(features @ self.band[0], features @ self.band[1]) + self.bias
        projected: Array = np.maximum(pooled, 0) @ self.weights["linear0.weight"].T
        return projected + self.weights["linear0.bias"]


def _recurrent(blocks: Iterator[Array], models: list[Weights]) -> Iterator[Array]:
    """Run both LSTM layers of all models, ``(models, frames, 150)`` in and out, block by block.

    The second layer works on a block while the first works on the next: half as many steps of twice the size.
    """
    cells = _Cells(models)
    behind = np.zeros((len(models), 0, HIDDEN), np.float32)
    last = np.zeros_like(behind)
    for ahead in _then(blocks, last):
        first, second = cells.run(cells.drive(ahead, 0), cells.drive(behind, 1))
        behind = first
        if second.shape[1]:
            yield second


def _then(blocks: Iterator[Array], last: Array) -> Iterator[Array]:
    yield from blocks
    yield last


class _Cells:
    """The LSTM cells of both layers of all models, and what they remember."""

    def __init__(self, models: list[Weights]) -> None:
        self.models = models
        keys = [(w, layer) for layer in range(LAYERS) for w in models]
        # Row times matrix: the other way round, OpenBLAS takes half as long again.
        self.recurrent = np.stack([_gates(w[f"lstm.weight_hh_l{layer}"]).T.copy() for w, layer in keys])
        self.state = np.zeros((len(keys), HIDDEN), np.float32)
        self.cell = np.zeros((len(keys), HIDDEN), np.float32)

    def drive(self, inputs: Array, layer: int) -> Array:
        """Return what the inputs of a block add to the gates, ``(frames, models, 600)``."""
        driven = np.empty((inputs.shape[1], len(self.models), 4 * HIDDEN), np.float32)
        for model, weights in enumerate(self.models):
            bias = weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"]
            driven[:, model] = inputs[model] @ _gates(weights[f"lstm.weight_ih_l{layer}"]).T + _gates(bias)
        return driven

    def run(self, first: Array, second: Array) -> tuple[Array, Array]:
        """Return the states of both layers; a layer without a block, or with a shorter one, rests meanwhile."""
        both, count = min(len(first), len(second)), len(self.models)
        together = self._steps(np.concatenate((first[:both], second[:both]), axis=1), slice(0, 2 * count))
        ahead = self._steps(first[both:], slice(0, count))
        behind = self._steps(second[both:], slice(count, 2 * count))
        return (
            np.concatenate((together[:, :count], ahead)).swapaxes(0, 1),
            np.concatenate((together[:, count:], behind)).swapaxes(0, 1),
        )

    def _steps(self, driven: Array, which: slice) -> Array:
        recurrent, cell = self.recurrent[which], self.cell[which]
        # All arrays are made once: a step is half of it the cost of its calls.
        state = self.state[which, None]
        product = np.empty((len(recurrent), 1, 4 * HIDDEN), np.float32)
        gates, scratch = product[:, 0], np.empty_like(cell)
        logistic, candidate = gates[:, : 3 * HIDDEN], gates[:, 3 * HIDDEN :]
        into, forget, out = (gates[:, gate * HIDDEN : (gate + 1) * HIDDEN] for gate in range(3))
        states = np.empty((len(driven), *cell.shape), np.float32)
        for frame, drive in enumerate(driven):
            np.matmul(state, recurrent, out=product)
            np.add(gates, drive, out=gates)
            np.tanh(gates, out=gates)
            np.multiply(logistic, HALF, out=logistic)
            np.add(logistic, HALF, out=logistic)
            np.multiply(cell, forget, out=cell)
            np.multiply(into, candidate, out=scratch)
            np.add(cell, scratch, out=cell)
            np.tanh(cell, out=scratch)
            np.multiply(out, scratch, out=states[frame])
            state[:, 0] = states[frame]
        return states


def _gates(weights: Array) -> Array:
    """Reorder torch's gates (input, forget, candidate, output) so that the candidate is last.

    The others are halved: the logistic function is ``(1 + tanh(x / 2)) / 2``, which never overflows.
    """
    into, forget, candidate, out = weights.reshape(4, HIDDEN, -1)
    ordered = np.concatenate((HALF * into, HALF * forget, HALF * out, candidate))
    return np.ascontiguousarray(ordered.reshape(weights.shape))
