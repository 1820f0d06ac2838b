"""Cutting: a plan and a song become an mp4, without encoding a picture, and what belongs to it."""

from bachateo.media.track import SoundTrack, encode_sound
from bachateo.video.assembly import assemble
from bachateo.video.captions import captions_of, chapters_of, write_captions
from bachateo.video.sidecars import Sidecars, sidecars_aside
from bachateo.video.thumbnail import write_thumbnail
from bachateo.video.timeline import Timeline, timeline_of, write_timeline

__all__ = [
    "Sidecars",
    "SoundTrack",
    "Timeline",
    "assemble",
    "captions_of",
    "chapters_of",
    "encode_sound",
    "sidecars_aside",
    "timeline_of",
    "write_captions",
    "write_thumbnail",
    "write_timeline",
]
