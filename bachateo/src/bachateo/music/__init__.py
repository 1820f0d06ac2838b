"""Hearing: what a dancer hears in a song. Beats, counts, tempo and energy; nothing about moves."""

from bachateo.music.analysis import Analysis, Phrase
from bachateo.music.analyzing import analyze_song, song_reader
from bachateo.music.corrections import (
    Corrections,
    apply_corrections,
    corrections_from_taps,
    downbeat_at,
    read_corrections,
    save_corrections,
    shift_half_beat,
)
from bachateo.music.song import check_song

__all__ = [
    "Analysis",
    "Corrections",
    "Phrase",
    "analyze_song",
    "apply_corrections",
    "check_song",
    "corrections_from_taps",
    "downbeat_at",
    "read_corrections",
    "save_corrections",
    "shift_half_beat",
    "song_reader",
]
