"""Media files that are damaged, mislabelled or made to do harm, for trying what reads them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Seeds = Mapping[str, bytes]  # whole files by their suffix
Mutant = tuple[str, bytes]  # what was done to it, with its suffix, and what is left

HEADER_BYTES = 600
# Boxes of an mp4, chunks of a wav and marks of others after which numbers stand that a reader believes.
MARKS = (b"mvhd", b"mdhd", b"stsz", b"stts", b"stsc", b"stco", b"esds", b"elst", b"fmt ", b"data", b"fLaC", b"Xing")
ABSURD = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x00", b"\x80\x00\x00\x00", b"\x00\xff\xff\xff")
PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:20\n#EXTINF:20,\n{to}\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile '{to}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 14\na={to}\n",
    "mpd": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    '<Representation id="1" bandwidth="1"><BaseURL>{to}</BaseURL></Representation></AdaptationSet></Period></MPD>',
}
ELSEWHERE = ("/etc/passwd", "song.mp3", "http://127.0.0.1:9/song.mp3", "concat:song.mp3|song.mp3", "data:,x")


def mutants(seeds: Seeds, seed: int = 0) -> Iterator[Mutant]:
    """Yield damaged files without end, the same for the same seed.

    Parameters
    ----------
    seeds
        Files in good order, by their suffix (``.mp3``).
    seed
        Another seed, other damage.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    suffixes = sorted(seeds)
    while True:
        for kind, damage in KINDS.items():
            suffix = rng.choice(suffixes)
            own, content = damage(seeds[suffix], suffix, seeds, rng)
            yield f"{kind}{own}", content


def write_tiny_packets(path: Path, count: int = 1_000_000) -> None:
    """Write an ogg whose sound lies in packets of two bytes, each 2.5 ms of silence."""
    import av  # noqa: PLC0415 - the damage above needs no FFmpeg

    with av.open(str(path), "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=48_000, layout="mono")
        stream.codec_context.open()
        for number in range(count):
            # Configuration 16 of RFC 6716, section 3.1: CELT, narrow band, frames of 2.5 ms.
            packet = av.Packet(b"\x80\xff")
            packet.stream, packet.time_base = stream, stream.codec_context.time_base
            packet.pts = packet.dts = number * 120
            packet.duration = 120
            out.mux_one(packet)


def _truncated(content: bytes, suffix: str, _seeds: Seeds, rng: random.Random) -> Mutant:
    return suffix, content[: rng.randrange(len(content))]


def _flipped(content: bytes, suffix: str, _seeds: Seeds, rng: random.Random) -> Mutant:
    return suffix, _flip(content, len(content), rng.choice((1, 8, 64, 512)), rng)


def _header_flipped(content: bytes, suffix: str, _seeds: Seeds, rng: random.Random) -> Mutant:
    return suffix, _flip(content, min(HEADER_BYTES, len(content)), rng.choice((1, 4, 16)), rng)


def _renamed(content: bytes, suffix: str, seeds: Seeds, rng: random.Random) -> Mutant:
    return rng.choice([other for other in (*seeds, ".txt", "") if other != suffix]), content


def _absurd(content: bytes, suffix: str, _seeds: Seeds, rng: random.Random) -> Mutant:
    """Write an absurd number after each of some marks, or at the very beginning."""
    changed = bytearray(content)
    at = [place + len(mark) for mark in MARKS if (place := content.find(mark)) >= 0]
    for place in rng.sample(at, min(len(at), rng.randint(1, 3))) or [4]:
        start = place + 4 * rng.randrange(5)
        changed[start : start + 4] = rng.choice(ABSURD)
    return suffix, bytes(changed)


def _spliced(content: bytes, suffix: str, seeds: Seeds, rng: random.Random) -> Mutant:
    other = seeds[rng.choice(sorted(seeds))]
    return suffix, content[: rng.randrange(len(content))] + other[rng.randrange(len(other)) :]


def _holed(content: bytes, suffix: str, _seeds: Seeds, rng: random.Random) -> Mutant:
    start = rng.randrange(len(content))
    filling = rng.choice((b"\x00", b"\xff", rng.randbytes(1)))
    return suffix, content[:start] + filling * rng.randrange(1, 50_000) + content[start + rng.randrange(20_000) :]


def _playlist(_content: bytes, suffix: str, _seeds: Seeds, rng: random.Random) -> Mutant:
    kind = rng.choice(sorted(PLAYLISTS))
    return rng.choice((suffix, f".{kind}")), PLAYLISTS[kind].format(to=rng.choice(ELSEWHERE)).encode()


def _noise(_content: bytes, suffix: str, _seeds: Seeds, rng: random.Random) -> Mutant:
    return suffix, rng.randbytes(rng.randrange(100_000))


def _flip(content: bytes, within: int, bits: int, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(bits):
        changed[rng.randrange(within)] ^= 1 << rng.randrange(8)
    return bytes(changed)


KINDS: dict[str, Callable[[bytes, str, Seeds, random.Random], Mutant]] = {
    "truncated": _truncated,
    "flipped": _flipped,
    "header": _header_flipped,
    "renamed": _renamed,
    "absurd": _absurd,
    "spliced": _spliced,
    "holed": _holed,
    "playlist": _playlist,
    "noise": _noise,
}
