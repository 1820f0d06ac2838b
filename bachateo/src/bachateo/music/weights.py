"""The weights of BeatNet, read from its wheel without torch.

BeatNet by Mojtaba Heydari, Frank Cwitkowitz and Zhiyao Duan ("BeatNet: CRNN and Particle Filtering for Online
Joint Beat, Downbeat and Meter Tracking", ISMIR 2021), https://github.com/mjhydri/BeatNet, licensed CC-BY-4.0.
The weights are used unchanged; the network is run by code of our own (``network``). See NOTICE.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from bachateo.trained import trained_file

Weights = dict[str, NDArray[np.float32]]
# Trained with one data set left out each (GTZAN, Ballroom, Rock): their mean is steadier than any of them.
MODELS = (1, 2, 3)


def read_weights(model: int) -> Weights:
    """Return the arrays of one trained model by name.

    Parameters
    ----------
    model
        One of ``MODELS``.
    """
    with ZipFile(trained_file("BeatNet", f"BeatNet/models/model_{model}_weights.pt")) as archive:
        return dict(_ArrayUnpickler(archive).load())


class _ArrayUnpickler(pickle.Unpickler):
    """Reads a torch state file as numpy arrays and can build nothing else."""

    ALLOWED = {("collections", "OrderedDict"), ("torch", "FloatStorage"), ("torch._utils", "_rebuild_tensor_v2")}

    def __init__(self, archive: ZipFile) -> None:
        super().__init__(BytesIO(archive.read("archive/data.pkl")))
        self.archive = archive

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return {"OrderedDict": OrderedDict, "_rebuild_tensor_v2": _tensor}.get(name, name)

    def persistent_load(self, pid: Any) -> NDArray[np.float32]:
        return np.frombuffer(self.archive.read(f"archive/data/{pid[2]}"), np.float32)


def _tensor(storage: NDArray[np.float32], offset: int, shape: tuple[int, ...], *_: object) -> NDArray[np.float32]:
    return storage[offset : offset + int(np.prod(shape))].reshape(shape)
