"""The encodings that are read. FFmpeg decodes some hundred others: old, rare, and seldom looked at for faults."""

from __future__ import annotations

from av.stream import Stream

# FFmpeg's names, as its option `codec_whitelist` takes them.
SOUND_CODECS = (
    "aac,ac3,adpcm_ima_wav,adpcm_ms,alac,amr_nb,amr_wb,eac3,flac,mp1,mp2,mp3,opus,pcm_alaw,pcm_f32be,pcm_f32le,"
    "pcm_f64be,pcm_f64le,pcm_mulaw,pcm_s16be,pcm_s16le,pcm_s24be,pcm_s24le,pcm_s32be,pcm_s32le,pcm_s8,pcm_u8,vorbis,"
    "wmapro,wmav1,wmav2"
)
PICTURE_CODECS = (
    "av1,dnxhd,dvvideo,flv1,h263,h264,hevc,mjpeg,mpeg1video,mpeg2video,mpeg4,msmpeg4v2,msmpeg4v3,prores,theora,vc1,vp8,"
    "vp9,wmv1,wmv2,wmv3"
)
# Decoders that are not called like what they decode.
SOUND_DECODERS = "amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,libopus,mp1float,mp2float,mp3float"
PICTURE_DECODERS = "flv,libdav1d,msmpeg4"


def is_read(stream: Stream, codecs: str) -> bool:
    """Return whether a stream is of one of these encodings.

    Parameters
    ----------
    stream
        Sound or pictures.
    codecs
        ``SOUND_CODECS`` or ``PICTURE_CODECS``.
    """
    context = getattr(stream, "codec_context", None)
    return context is not None and context.codec.canonical_name in codecs.split(",")
