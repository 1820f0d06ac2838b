"""Cutting: a plan and a song become an mp4, without encoding a picture, and what belongs to it."""

from choreographer.media.track import SoundTrack, encode_sound
from choreographer.video.assembly import assemble
from choreographer.video.captions import captions_of, chapters_of, write_captions
from choreographer.video.sidecars import Sidecars, sidecars_aside
from choreographer.video.thumbnail import write_thumbnail
from choreographer.video.timeline import Timeline, timeline_of, write_timeline

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
