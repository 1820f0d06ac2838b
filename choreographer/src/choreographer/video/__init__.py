"""Cutting: a plan and a song become an mp4, without encoding a picture."""

from choreographer.video.assembly import assemble
from choreographer.video.sound import SoundTrack, encode_sound, sound_encoding

__all__ = ["SoundTrack", "assemble", "encode_sound", "sound_encoding"]
