"""Decide what becomes of each stream beside the main video, as a value, before anything is written.

What a container can hold is copied. What it cannot is converted: sound without a loss, and text
subtitles. What cannot be converted either is dropped, and named.
"""

import io
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Discard, Stream
from av.video.stream import VideoStream

from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.values import codec_name, is_cover, line_of
from vs_gendrpix.read.opening import open_input
from vs_gendrpix.read.timing.index import Index
from vs_gendrpix.settings import StreamSettings
from vs_gendrpix.write.carry.actions import Action, StreamAction
from vs_gendrpix.write.carry.convert import encoder_for
from vs_gendrpix.write.carry.tags import needs_keys

COVERS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}
"""Extension and MIME type of a cover as an attached file, by its codec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryPlan:
    """The treatment of everything beside the picture. The default carries nothing.

    Attributes:
        streams: What is done with each stream of the input, the video's included; none for an input
            that is a video alone, such as a script.
        keep: What was wanted.
        timecode: That of the output's first frame; empty if it gets none.
        lost_timecode: The input's timecode if it cannot be carried over; else empty.
        keys: Whether the file's tags go into QuickTime's list of keys, which holds any.
    """

    streams: tuple[StreamAction, ...] = ()
    keep: StreamSettings = field(default_factory=StreamSettings)
    timecode: str = ""
    lost_timecode: str = ""
    keys: bool = False

    def tell(self, notes: Notes) -> None:
        """Report each stream that is lost, dropped or converted, one line each."""
        if self.lost_timecode:
            notes.warn(f"not carried over: the timecode {line_of(self.lost_timecode)}")
        dropped = [str(done) for done in self.streams if done.action == "dropped"]
        if dropped:
            notes.warn(f"not carried over: {', '.join(dropped)}")
        empty = [str(done) for done in self.streams if done.action == "empty"]
        if empty:
            notes.warn(f"not carried over, having no packets: {', '.join(empty)}")
        converted = [f"{done} to {done.to}" for done in self.streams if done.action == "converted"]
        if converted:
            notes.warn(f"converted: {', '.join(converted)}")


def carry_nothing(
    source: InputContainer,
    video: Stream,
    keep: StreamSettings,
    timecodes: tuple[str, str] = ("", ""),
) -> CarryPlan:
    """Plan for an output that holds nothing but the restored pictures.

    Args:
        source: The opened input.
        video: The stream of it that is restored.
        keep: What is wanted. Only that is named as dropped.
        timecodes: That of the first picture, and the input's if it is lost.
    """
    timecode, lost = timecodes
    streams = []
    for stream in _shown(source):
        wanted = _wanted(kind_of(stream), keep)
        action: Action = "dropped" if wanted else "left out"
        if stream.index == video.index:
            action = "restored"
        elif timecode and _is_timecode(stream):
            action = "timecode"
        streams.append(_action(stream, action))
    return CarryPlan(streams=tuple(streams), keep=keep, timecode=timecode, lost_timecode=lost)


def plan_carry(
    source: InputContainer,
    video: VideoStream,
    *,
    path: Path,
    container: str,
    keep: StreamSettings,
    timecodes: tuple[str, str] = ("", ""),
    index: Index | None = None,
) -> CarryPlan:
    """Plan what becomes of each stream of an input.

    Args:
        source: The opened input; its position does not move.
        video: The stream of it that is restored.
        path: The input's file.
        container: FFmpeg's name of the output's muxer.
        keep: What is wanted.
        timecodes: That of the output's first frame, and the input's if it is lost.
        index: The index of the input, which knows its empty streams; None if there is none.

    Raises:
        MediaError: The file cannot be read.
    """
    timecode, lost = timecodes
    streams = []
    added = 1  # streams of the output so far: the restored video is the first
    for stream in _shown(source):
        action, encoder = _fate(stream, container, keep, path)
        number = None
        if action in {"copied", "converted"} and index is not None:
            action = action if stream.index in index.streams else "empty"
        if stream.index == video.index:
            action, number = "restored", 0
        elif timecode and _is_timecode(stream):
            action = "timecode"
        elif action in {"copied", "converted", "attached"}:
            number, added = added, added + 1
        streams.append(_action(stream, action, number, encoder))
    # MP4 holds covers in the other list, beside the few tags that it knows.
    has_cover = any(done.kind == "cover" and done.output is not None for done in streams)
    return CarryPlan(
        streams=tuple(streams),
        keep=keep,
        timecode=timecode,
        lost_timecode=lost,
        keys=keep.metadata and not has_cover and needs_keys(source.metadata, container),
    )


def kind_of(stream: Stream) -> str:
    """FFmpeg's name of a stream's media type, or `cover`."""
    return "cover" if stream.type == "video" and is_cover(stream) else stream.type


def add_copy(stream: Stream, output: OutputContainer) -> Stream:
    """Add a stream to an output that takes another one's packets as they are.

    Raw sound in Matroska says how many channels there are, but not which. MP4 has to say it: they
    are taken to be FFmpeg's usual ones of that number.

    Args:
        stream: A stream of the input.
        output: The container, whose header is not yet written.

    Returns:
        The new stream.

    Raises:
        ValueError: The container cannot hold the codec.
    """
    target = output.add_stream_from_template(stream, opaque=True)
    if isinstance(target, AudioStream):
        layout = target.codec_context.layout
        if layout.name == f"{layout.nb_channels} channels":
            with suppress(ValueError):  # there are no usual ones of that number
                target.codec_context.layout = f"{layout.nb_channels}c"
    return target


def cover_data(path: Path, index: int) -> bytes:
    """The picture file that a cover is; empty if the input has none there.

    Args:
        path: The input's file.
        index: The cover's stream.

    Raises:
        MediaError: The file cannot be read.
    """
    with open_input(path) as again:
        packets = again.demux(again.streams[index])
        return next((bytes(packet) for packet in packets if packet.size), b"")


def _shown(source: InputContainer) -> list[Stream]:
    """List the streams of the input, without the text track in which MP4 keeps its chapters."""
    return [stream for stream in source.streams if stream.discard != Discard.all]


def _is_timecode(stream: Stream) -> bool:
    """Whether a stream is a track of a timecode, as QuickTime has it."""
    return stream.type == "data" and "timecode" in stream.metadata


def _action(
    stream: Stream, action: Action, output: int | None = None, encoder: str = ""
) -> StreamAction:
    """A stream's action, with what the user is told of the stream."""
    return StreamAction(
        index=stream.index,
        kind=kind_of(stream),
        codec=codec_name(stream),
        language=line_of(stream.metadata.get("language", "")),
        action=action,
        output=None if action == "attached" else output,
        to=encoder,
    )


def _fate(stream: Stream, container: str, keep: StreamSettings, path: Path) -> tuple[Action, str]:
    """Decide on the treatment of a stream beside the video, and its encoder if one is needed."""
    kind = kind_of(stream)
    if not _wanted(kind, keep):
        return "left out", ""
    # QuickTime has no place for a cover, and libavformat drops it without a word.
    if kind in {"video", "data"} or (kind, container) == ("cover", "mov"):
        return "dropped", ""
    if kind == "attachment" or (kind == "cover" and container == "matroska"):
        attached = container == "matroska" and _has_file(stream, path)
        return "attached" if attached else "dropped", ""
    # Older FFmpeg plays as noise what MP4 holds as raw sound of 24 bits (`ipcm`).
    is_noise = container == "mp4" and codec_name(stream).startswith("pcm_s24")
    if not is_noise and _accepts(container, stream):
        return "copied", ""
    encoder = encoder_for(stream, container)
    return ("converted", encoder) if encoder else ("dropped", "")


def _wanted(kind: str, keep: StreamSettings) -> bool:
    """Tell whether the user wants streams of a kind. Video and data have no such option."""
    return {
        "audio": keep.audio,
        "subtitle": keep.subtitles,
        "attachment": keep.attachments,
        "cover": keep.attachments,
    }.get(kind, True)


def _has_file(stream: Stream, path: Path) -> bool:
    """Tell whether an attachment or a cover is a file that Matroska can hold."""
    return stream.type == "attachment" or (
        codec_name(stream) in COVERS and bool(cover_data(path, stream.index))
    )


_SAID_LAST = ("pcm_", "flac", "libopus", "opus")
"""Codecs of sound that MP4 may refuse only when the file is finished, by the codec's name."""


def _accepts(container: str, stream: Stream) -> bool:
    """Try whether a container can hold a stream, by writing a file with it in memory."""
    with av.open(io.BytesIO(), "w", format=container) as trial:
        try:
            target = add_copy(stream, trial)
            trial.start_encoding()
            if isinstance(target, AudioStream) and codec_name(stream).startswith(_SAID_LAST):
                # MP4 describes its sound when all is written, after hours of work.
                packet = av.Packet(bytes(24 * target.codec_context.layout.nb_channels))
                packet.stream, packet.pts, packet.dts = target, 0, 0
                trial.mux(packet)
            trial.close()
        except (av.FFmpegError, ValueError):
            return False
    return True
