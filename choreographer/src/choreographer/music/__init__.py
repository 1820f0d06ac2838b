"""Hearing: what a dancer hears in a song. Beats, counts, tempo and energy; nothing about moves."""

from choreographer.music.analysis import Analysis, analyze_song
from choreographer.music.song import check_song

__all__ = ["Analysis", "analyze_song", "check_song"]
