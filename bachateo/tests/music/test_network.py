"""The network against a plain run of it, frame by frame, in torch's order."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest

from bachateo.music import network
from bachateo.music.features import FRAME_RATE_HZ, beat_features
from bachateo.music.network import beat_activations
from bachateo.music.song import read_song
from bachateo.music.weights import MODELS, Weights, _ArrayUnpickler, read_weights


@pytest.fixture(scope="module")
def features(demo) -> np.ndarray:
    return beat_features(read_song(demo.path).samples)


def _plainly(features: np.ndarray) -> np.ndarray:
    return np.mean([_one_model(features, read_weights(model)) for model in MODELS], axis=0)[:, :2]


def _one_model(features: np.ndarray, w: Weights) -> np.ndarray:
    kernels = w["conv1.weight"][:, 0]
    maps = np.array([[np.correlate(row, kernel, "valid") for kernel in kernels] for row in features])
    maps = np.maximum(maps + w["conv1.bias"][:, None], 0)[..., :262]
    inputs = maps.reshape(len(features), 2, 131, 2).max(axis=3).reshape(len(features), -1)
    inputs = inputs @ w["linear0.weight"].T + w["linear0.bias"]
    for layer in (0, 1):
        state, cell, states = np.zeros(150), np.zeros(150), []
        for frame in inputs:
            gates = w[f"lstm.weight_ih_l{layer}"] @ frame + w[f"lstm.bias_ih_l{layer}"]
            gates = gates + w[f"lstm.weight_hh_l{layer}"] @ state + w[f"lstm.bias_hh_l{layer}"]
            into, forget, candidate, out = gates.reshape(4, 150)
            cell = _logistic(forget) * cell + _logistic(into) * np.tanh(candidate)
            state = _logistic(out) * np.tanh(cell)
            states.append(state)
        inputs = np.array(states)
    scores = np.exp(inputs @ w["linear.weight"].T + w["linear.bias"])
    return scores / scores.sum(axis=1, keepdims=True)


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


# Shorter than a block, one block, a block and a part, more of them.
@pytest.mark.parametrize("frames", [1, 64, 65, 200])
def test_beat_activations__layers_side_by_side__equal_the_plain_run(
    features: np.ndarray, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    monkeypatch.setattr(network, "BLOCK", 64)
    part = features[500 : 500 + frames]

    np.testing.assert_allclose(beat_activations(part), _plainly(part), atol=1e-4)


def test_beat_activations__gates_in_another_order__are_noticed(
    features: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "_gates", lambda weights: weights)

    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        np.testing.assert_allclose(beat_activations(features[:100]), _plainly(features[:100]), atol=1e-4)


def test_beat_activations__demo__downbeats_are_told_from_beats(demo, features: np.ndarray) -> None:
    activations = beat_activations(features)
    at = (np.array(demo.truth.downbeats[2:-1]) * FRAME_RATE_HZ).round().astype(int)
    downbeats = np.max([activations[at + shift] for shift in (-1, 0, 1, 2)], axis=0)

    assert np.median(downbeats[:, 1]) > 0.5 > np.median(downbeats[:, 0])


def test_read_weights__lstm__has_its_shape() -> None:
    weights = read_weights(1)

    assert weights["lstm.weight_hh_l0"].shape == (600, 150)
    assert weights["linear0.weight"].shape == (150, 262)


def test_unpickler__anything_but_arrays__is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(print))

    with zipfile.ZipFile(file) as archive, pytest.raises(pickle.UnpicklingError, match=r"builtins\.print has no place"):
        _ArrayUnpickler(archive).load()
