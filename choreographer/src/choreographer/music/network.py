"""BeatNet's network in numpy: how much each frame sounds like a beat or a downbeat."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from choreographer.music.weights import MODELS, Weights, read_weights

HIDDEN = 150
BLOCK = 1024
HALF = np.float32(0.5)

Array = NDArray[np.float32]


def beat_activations(features: Array) -> Array:
    """Return the probability of a beat and of a downbeat in each frame.

    Parameters
    ----------
    features
        Shape ``(frames, 272)``, from :func:`choreographer.music.features.beat_features`.

    Returns
    -------
    ndarray
        Shape ``(frames, 2)``: beat that is no downbeat, downbeat. The mean of the three models.
    """
    models = [read_weights(model) for model in MODELS]
    hidden = np.stack([_convolution(features, weights) for weights in models])
    for layer in (0, 1):
        hidden = _lstm(hidden, models, layer)
    scores = np.stack(
        [states @ w["linear.weight"].T + w["linear.bias"] for states, w in zip(hidden, models, strict=True)]
    )
    likelihoods = np.exp(scores - scores.max(axis=2, keepdims=True))
    probabilities: Array = (likelihoods / likelihoods.sum(axis=2, keepdims=True)).mean(axis=0)
    return probabilities[:, :2]


def _convolution(features: Array, weights: Weights) -> Array:
    """Convolve along the frequencies, pool pairs, project: ``(frames, 272)`` to ``(frames, 150)``."""
    kernel = weights["conv1.weight"][:, 0]
    out = np.empty((len(features), len(weights["linear0.bias"])), np.float32)
    for start in range(0, len(features), BLOCK):
        windows = sliding_window_view(features[start : start + BLOCK], kernel.shape[1], axis=1)
        maps = np.maximum(np.einsum("fik,ck->fci", windows, kernel) + weights["conv1.bias"][:, None], 0)
        pooled = maps[..., : maps.shape[2] // 2 * 2].reshape(len(maps), len(kernel), -1, 2).max(axis=3)
        out[start : start + BLOCK] = pooled.reshape(len(maps), -1) @ weights["linear0.weight"].T
    return out + weights["linear0.bias"]


def _lstm(inputs: Array, models: list[Weights], layer: int) -> Array:
    """Run one LSTM layer of all models side by side, ``(models, frames, n)`` to ``(models, frames, 150)``."""
    recurrent = np.stack([w[f"lstm.weight_hh_l{layer}"] for w in models])
    state = np.zeros((len(models), HIDDEN), np.float32)
    cell = np.zeros_like(state)
    out = np.empty((len(models), inputs.shape[1], HIDDEN), np.float32)
    for start in range(0, inputs.shape[1], BLOCK):
        driven = np.stack([_drive(x[start : start + BLOCK], w, layer) for x, w in zip(inputs, models, strict=True)])
        for frame in range(driven.shape[1]):
            gates = driven[:, frame] + (recurrent @ state[:, :, None])[:, :, 0]
            # torch's order: input, forget, candidate, output. This form of the logistic function never overflows.
            squashed = HALF + HALF * np.tanh(HALF * gates)
            candidate = np.tanh(gates[:, 2 * HIDDEN : 3 * HIDDEN])
            cell = squashed[:, HIDDEN : 2 * HIDDEN] * cell + squashed[:, :HIDDEN] * candidate
            state = squashed[:, 3 * HIDDEN :] * np.tanh(cell)
            out[:, start + frame] = state
    return out


def _drive(inputs: Array, weights: Weights, layer: int) -> Array:
    driven: Array = inputs @ weights[f"lstm.weight_ih_l{layer}"].T
    return driven + weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"]
