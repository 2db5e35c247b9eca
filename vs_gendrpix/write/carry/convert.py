"""Convert sound and text subtitles to what a container can hold: no sample and no line lost."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol, cast

import av
from av.audio.stream import AudioStream
from av.subtitles.subtitle import AssSubtitle, SubtitleSet

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.libav.values import codec_name, fraction

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.format import AudioFormat
    from av.audio.frame import AudioFrame
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream

TEXT = {"mp4": "mov_text", "mov": "mov_text", "matroska": "srt"}
"""Encoder of text subtitles, by the container's name."""

SOUND = {"mp4": "alac", "mov": "alac", "matroska": "flac"}
"""Lossless encoder of sound, by the container's name."""

TICK = Fraction(1, 1000)
_UNTIMED = 5000
"""Ticks for which a text without a duration is shown."""

_TEXT = {
    "srt",
    "subrip",
    "ass",
    "ssa",
    "mov_text",
    "webvtt",
    "text",
    "sami",
    "microdvd",
    "subviewer",
}


class Converter(Protocol):
    """Turns the packets of one stream into those of another one, `target`.

    Every method returns the packets of the output that are complete.
    """

    @property
    def target(self) -> "Stream":
        """The new stream."""

    def convert(self, packet: "Packet[Stream]") -> "list[Packet[Stream]]":
        """Take the next packet of the input.

        Raises:
            av.FFmpegError: It cannot be decoded.
        """

    def until(self, seconds: Fraction) -> "list[Packet[Stream]]":
        """Return the packets that are complete when the input has been read up to `seconds`."""

    def rest(self) -> "list[Packet[Stream]]":
        """Return the remaining packets at the end of the input."""


def encoder_for(stream: "Stream", container: str) -> str:
    """FFmpeg's name of the encoder that converts a stream for a container; empty if none can.

    Args:
        stream: A stream of the input.
        container: FFmpeg's name of the output's muxer.
    """
    if container not in SOUND or not codec_name(stream):  # YUV4MPEG holds pictures alone
        return ""
    if isinstance(stream, AudioStream):
        return SOUND[container] if _lossless(SOUND[container], stream) else ""
    is_text = stream.type == "subtitle" and codec_name(stream) in _TEXT
    return TEXT[container] if is_text else ""


def converter(stream: "Stream", output: "OutputContainer", encoder: str) -> Converter:
    """Begin to convert a stream into a new stream of an output.

    Args:
        stream: A stream of the input.
        output: The container, whose header is not yet written.
        encoder: What `encoder_for` gave.

    Raises:
        SettingsError: The encoder cannot take the stream's sound.
    """
    if not isinstance(stream, AudioStream):
        return SubtitleConverter(cast("SubtitleStream", stream), output, encoder)
    sample = _lossless(encoder, stream)
    if sample is None:
        raise SettingsError(
            f"{encoder} cannot take the sound of stream {stream.index}: leave it out"
        )
    return AudioConverter(stream, output, encoder, *sample)


def _lossless(encoder: str, stream: AudioStream) -> tuple[str, str] | None:
    """The sample format and the channel layout in which an encoder takes all of a stream's sound.

    None if there are none.
    """
    given = stream.codec_context
    sample: AudioFormat | None = given.format  # PyAV's types leave out None
    if not given.rate or sample is None:  # the input announces sound and does not say which
        return None
    depth = "s32" if sample.bytes > 2 else "s16"
    # An AVI says only how many channels there are.
    for layout in (given.layout.name, f"{given.channels}c"):
        trial = cast("AudioCodecContext", av.CodecContext.create(encoder, "w"))
        formats = [form.name for form in trial.codec.audio_formats or ()]
        trial.format = next(name for name in formats if name.startswith(depth))
        trial.rate, trial.time_base = given.rate, Fraction(1, given.rate)
        try:
            trial.layout = layout
            trial.open()
        except (av.FFmpegError, ValueError):
            continue
        return trial.format.name, trial.layout.name
    return None


class AudioConverter:
    """Decodes sound and encodes it without a loss, at its own rate.

    Sound whose channels, samples or rate change midway, as a broadcast's do, becomes what it was at
    first.

    Args:
        stream: Sound of the input.
        output: The container, which gets a stream.
        encoder: FFmpeg's name of the encoder.
        sample_format: The format of its samples.
        layout: Its channels.
    """

    def __init__(
        self,
        stream: AudioStream,
        output: "OutputContainer",
        encoder: str,
        sample_format: str,
        layout: str,
    ) -> None:
        self.target = cast("AudioStream", output.add_stream(encoder, rate=stream.rate))
        context = self.target.codec_context
        context.format, context.layout = sample_format, layout
        self.target.time_base = Fraction(1, stream.rate)
        context.open()  # only that says how many samples it takes at a time
        self._decoder = stream.codec_context
        self._form = sample_format, layout, stream.rate
        self._given: tuple[str, str, int] | None = None
        self._alike: av.AudioResampler | None = None
        self._in_parts = av.AudioResampler(*self._form, context.frame_size or None)
        self._end: int | None = None

    def convert(self, packet: "Packet[Stream]") -> "list[Packet[Stream]]":
        """Decode a packet of sound and encode it; the first part of a `Converter`."""
        return [made for frame in self._decoder.decode(packet) for made in self._encoded(frame)]

    def until(self, seconds: Fraction) -> "list[Packet[Stream]]":
        """Return nothing: sound is complete as soon as it is encoded."""
        del seconds
        return []

    def rest(self) -> "list[Packet[Stream]]":
        """Encode what the decoder and the encoder still hold, at the end of the input."""
        made = [made for frame in self._decoder.decode(None) for made in self._encoded(frame)]
        return [*made, *self._encoded(None), *self.target.encode(None)]

    def _encoded(self, frame: "AudioFrame | None") -> "list[Packet[Stream]]":
        """Encode a frame as the encoder takes it. None encodes the rest of the samples."""
        parts = [part for same in self._like_first(frame) for part in self._in_parts.resample(same)]
        if frame is None:
            parts += self._in_parts.resample(None)
        return [packet for part in parts for packet in self.target.encode(part)]

    def _like_first(self, frame: "AudioFrame | None") -> "list[AudioFrame]":
        """Convert a frame to the encoder's samples, channels and rate. None gives the rest."""
        made = []
        form = None if frame is None else (frame.format.name, frame.layout.name, frame.rate)
        if form != self._given and self._alike is not None:
            made += self._alike.resample(None)
            self._alike = None
        self._given = form
        if frame is None:
            return made
        if frame.pts is None and self._end is not None:
            frame.pts = self._end  # WMA's decoder does not time what it gives last
        if frame.pts is not None:
            length = Fraction(frame.samples, frame.rate) / fraction(frame.time_base)
            self._end = frame.pts + round(length)
        self._alike = self._alike or av.AudioResampler(*self._form)
        return [*made, *self._alike.resample(frame)]


class SubtitleConverter:
    """Decodes text subtitles and encodes them so that no two overlap: MP4 shows one at a time.

    Args:
        stream: Text subtitles of the input.
        output: The container, which gets a stream.
        encoder: FFmpeg's name of the encoder.
    """

    def __init__(self, stream: "SubtitleStream", output: "OutputContainer", encoder: str) -> None:
        context = stream.codec_context
        if not context.is_open:
            context.open()  # only that makes the header, which the encoder needs
        self.target = cast("SubtitleStream", output.add_stream(encoder))
        self.target.codec_context.subtitle_header = context.subtitle_header
        self.target.codec_context.time_base = self.target.time_base = TICK
        self._decoder = context
        self._timeline = Timeline()

    def convert(self, packet: "Packet[Stream]") -> "list[Packet[Stream]]":
        """Decode a packet of texts and encode those that are complete."""
        found = self._decoder.decode2(packet)
        begin = round((packet.pts or 0) * fraction(packet.time_base) / TICK)
        length = round((packet.duration or 0) * fraction(packet.time_base) / TICK)
        made: list[Packet[Stream]] = []
        for line in found or ():
            if isinstance(line, AssSubtitle) and _words(line):
                end = begin + (length or _UNTIMED)
                made += self._encoded(self._timeline.show(begin, end, _words(line)))
        return made

    def until(self, seconds: Fraction) -> "list[Packet[Stream]]":
        """Encode the texts that end by a moment of the input."""
        return self._encoded(self._timeline.until(int(seconds / TICK)))

    def rest(self) -> "list[Packet[Stream]]":
        """Encode all texts that are still shown, at the end of the input."""
        return self._encoded(self._timeline.rest())

    def _encoded(self, stretches: list[tuple[int, int, list[str]]]) -> "list[Packet[Stream]]":
        made: list[Packet[Stream]] = []
        for begin, end, texts in stretches:
            line = f"0,0,Default,,0,0,0,,{r'\N'.join(texts)}"
            shown = SubtitleSet.create(line.encode(), 0, end - begin)
            packet = self.target.codec_context.encode_subtitle(shown)
            packet.pts = packet.dts = begin
            packet.duration = end - begin
            packet.time_base = TICK
            made.append(packet)
        return made


@dataclass(slots=True)
class Timeline:
    """Cuts texts that may overlap into stretches in which the same texts are shown.

    Times are in ticks. Every method returns the stretches that are complete: first tick, tick after
    the last, and the texts shown.
    """

    _shown: list[tuple[int, str]] = field(default_factory=list)  # end and text
    _since: int = 0

    def show(self, begin: int, end: int, text: str) -> list[tuple[int, int, list[str]]]:
        """Add a text; texts come in the order in which they begin."""
        begin = max(begin, self._since)
        complete = self.until(begin)
        complete += self._stretch(begin)
        self._since = begin
        if end > begin:
            self._shown.append((end, text))
        return complete

    def until(self, now: int) -> list[tuple[int, int, list[str]]]:
        """Remove the texts that end by tick `now`."""
        complete = []
        while self._shown and (end := min(end for end, _ in self._shown)) <= now:
            complete += self._stretch(end)
            self._since = end
            self._shown = [entry for entry in self._shown if entry[0] > end]
        return complete

    def rest(self) -> list[tuple[int, int, list[str]]]:
        """Remove all texts."""
        return self.until(max((end for end, _ in self._shown), default=0))

    def _stretch(self, end: int) -> list[tuple[int, int, list[str]]]:
        """The stretch from the last change to tick `end`; none if nothing is shown."""
        if not self._shown or end <= self._since:
            return []
        return [(self._since, end, [text for _, text in self._shown])]


def _words(line: AssSubtitle) -> str:
    """The text of an ASS event with its markup: all that follows the eighth comma."""
    fields = line.ass.decode("utf-8", "replace").split(",", 8)
    return fields[8].strip() if len(fields) == 9 else ""
