"""Decide what becomes of each stream beside the main video, and add it to the output."""

import io
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import AttachmentStream, Discard, Stream

from vs_gendrpix.carry.actions import Action, StreamAction
from vs_gendrpix.carry.convert import Converter, converter
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.values import codec_name, is_cover, line_of
from vs_gendrpix.read.opening import open_input
from vs_gendrpix.settings import StreamSettings

_STALE_TAGS = ("encoder", "duration", "number_of_", "bps", "_statistics", "vendor_id")
"""Tags that describe the old file's bytes; muxers write their own."""

_BRANDS = {"major_brand", "minor_version", "compatible_brands"}
_COVERS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}
_QUICKTIME = {
    "bod": "tib",
    "cym": "wel",
    "deu": "ger",
    "ell": "gre",
    "eus": "baq",
    "fas": "per",
    "hrv": "hr ",
    "hye": "arm",
    "isl": "ice",
    "kat": "geo",
    "mkd": "mac",
    "msa": "may",
    "mya": "bur",
    "nld": "dut",
    "sqi": "alb",
    "srp": "sr ",
    "swe": "sve",
    "zho": "chi",
}
"""FFmpeg's names of the languages in QuickTime's own list, where they are not those of ISO 639-2/T:
it writes none for a name that it does not know."""


class StreamMap:
    """Where each stream of an input goes.

    What a container can hold is copied. What it cannot is converted: sound without a loss, and text
    subtitles. What cannot be converted either is dropped, and named.

    Args:
        source: The input.
        path: Its file.
        video: The stream of it that is restored.
        keep: What is wanted.

    Attributes:
        targets: The output's stream for each of the input's that are to be read.
        converters: What is between them, where packets cannot just be copied.
        actions: What becomes of each stream of the input.
    """

    def __init__(
        self, source: InputContainer, path: Path, video: Stream, keep: StreamSettings
    ) -> None:
        self.targets: dict[int, Stream] = {}
        self.converters: dict[int, Converter] = {}
        self.actions: list[StreamAction] = []
        self._source, self._path, self._video, self._keep = source, path, video, keep

    def add_to(self, output: OutputContainer, restored: Stream) -> None:
        """Add the streams to an output, before its header.

        Args:
            output: The container.
            restored: Its video stream, which has the timecode if there is one.
        """
        if self._keep.metadata:
            output.metadata.update(kept(self._source.metadata))
        for stream in self._source.streams:
            if stream.discard == Discard.all:  # the text track that is MP4's chapters
                continue
            kind = kind_of(stream)
            if stream.index == self._video.index:
                action, target = self._restored(restored)
            elif kind == "data" and "timecode" in stream.metadata.keys() & restored.metadata.keys():
                action, target = "timecode", None
            elif not self._wanted(kind):
                action, target = "left out", None
            else:
                action, target = self._add(stream, kind, output)
            self._note(stream, action, target)

    def leave(self) -> None:
        """Leave all streams, for a target that holds nothing but the restored pictures."""
        for stream in self._source.streams:
            if stream.index == self._video.index:
                self._note(stream, "restored", None)
            elif stream.discard != Discard.all:
                wanted = self._wanted(kind_of(stream))
                self._note(stream, "dropped" if wanted else "left out", None)

    def tell(self, notes: Notes) -> None:
        """Name in one line each what is dropped and what is converted."""
        dropped = [str(done) for done in self.actions if done.action == "dropped"]
        if dropped:
            notes.warn(f"not carried over: {', '.join(dropped)}")
        converted = [f"{done} to {done.to}" for done in self.actions if done.action == "converted"]
        if converted:
            notes.warn(f"converted: {', '.join(converted)}")

    def _note(self, stream: Stream, action: Action, target: Stream | None) -> None:
        """Note what becomes of a stream."""
        self.actions.append(
            StreamAction(
                index=stream.index,
                kind=kind_of(stream),
                codec=codec_name(stream),
                language=line_of(stream.metadata.get("language", "")),
                action=action,
                output=None if target is None else target.index,
                to=codec_name(target) if target and action == "converted" else "",
            )
        )

    def _wanted(self, kind: str) -> bool:
        keep = self._keep
        return {
            "audio": keep.audio,
            "subtitle": keep.subtitles,
            "attachment": keep.attachments,
            "cover": keep.attachments,
        }.get(kind, True)

    def _restored(self, target: Stream) -> tuple[Action, Stream]:
        self._label(self._video, target)
        return "restored", target

    def _add(
        self, stream: Stream, kind: str, output: OutputContainer
    ) -> tuple[Action, Stream | None]:
        """Add a stream to the output, if that is possible."""
        if kind in {"video", "data"}:
            return "dropped", None
        if kind == "attachment" or (kind == "cover" and output.format.name == "matroska"):
            return ("attached" if self._attach(stream, output) else "dropped"), None
        action: Action = "copied"
        if _accepts(output.format.name, stream):
            target = _copy(stream, output)
        else:
            convert = converter(stream, output)
            if convert is None:
                return "dropped", None
            self.converters[stream.index] = convert
            action, target = "converted", convert.target
        self._label(stream, target)
        self.targets[stream.index] = target
        return action, target

    def _label(self, stream: Stream, target: Stream) -> None:
        """Give a stream of the output the tags and the disposition of the input's."""
        tags = kept(stream.metadata)
        if not self._keep.metadata:
            tags = {key: value for key, value in tags.items() if key == "language"}
        if target.container.format.name == "mov" and "language" in tags:
            tags["language"] = _QUICKTIME.get(tags["language"], tags["language"])
        target.metadata.update(tags)
        target.disposition = stream.disposition

    def _attach(self, stream: Stream, output: OutputContainer) -> bool:
        """Write a font, or a cover as Matroska has it, as an attached file; whether it was."""
        if output.format.name != "matroska":
            return False
        if isinstance(stream, AttachmentStream):
            name = stream.metadata.get("filename", f"attachment{stream.index}")
            output.add_attachment(name, stream.mimetype or "", stream.data)
            return True
        suffix, mime_type = _COVERS.get(codec_name(stream), ("", ""))
        with open_input(self._path) as again:
            packets = again.demux(again.streams[stream.index])
            data = next((bytes(packet) for packet in packets if packet.size), b"")
        if suffix and data:
            output.add_attachment(f"cover.{suffix}", mime_type, data)
        return bool(suffix and data)


def kind_of(stream: Stream) -> str:
    """FFmpeg's name of a stream's media type, or `cover`."""
    return "cover" if stream.type == "video" and is_cover(stream) else stream.type


def kept(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that stay true in another file; a timecode is another one there."""
    return {
        key: value
        for key, value in tags.items()
        if key.lower() not in _BRANDS | {"timecode"}
        and not key.lower().lstrip("_").startswith(_STALE_TAGS)
    }


def _accepts(container: str, stream: Stream) -> bool:
    """Whether a container of this name can hold a stream: only writing one tells for sure."""
    with av.open(io.BytesIO(), "w", format=container) as trial:
        try:
            target = _copy(stream, trial)
            trial.start_encoding()
            if isinstance(target, AudioStream) and codec_name(stream).startswith("pcm_"):
                # MP4 says which channels there are when all is written, after hours of work.
                packet = av.Packet(bytes(24 * target.codec_context.layout.nb_channels))
                packet.stream, packet.pts, packet.dts = target, 0, 0
                trial.mux(packet)
            trial.close()
        except (av.FFmpegError, ValueError):
            return False
    return True


def _copy(stream: Stream, output: OutputContainer) -> Stream:
    """Add a stream that takes another one's packets as they are.

    Raw sound in Matroska says how many channels there are, but not which. MP4 has to say it: they
    are taken to be FFmpeg's usual ones of that number.
    """
    target = output.add_stream_from_template(stream, opaque=True)
    if isinstance(target, AudioStream):
        layout = target.codec_context.layout
        if layout.name == f"{layout.nb_channels} channels":
            with suppress(ValueError):  # there are no usual ones of that number
                target.codec_context.layout = f"{layout.nb_channels}c"
    return target
