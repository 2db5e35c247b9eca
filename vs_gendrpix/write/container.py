"""Encode frames into a file that stands under its name only when it is whole and checked."""

from array import array
from collections import Counter
from contextlib import suppress
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Self

import av
from av.video.stream import VideoStream

from vs_gendrpix.carry.copy import NoSideStreams, SideStreams, says_something
from vs_gendrpix.errors import SettingsError, VerificationError
from vs_gendrpix.frame.clip import STREAM_RATE, ClipInfo
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.libav.values import fraction, is_cover
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.write.encoder import configure, encoder_options, kept_priority, try_encoder
from vs_gendrpix.write.hdr_options import unsaid
from vs_gendrpix.write.output import Output, StandardOutput, output_fault

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet

Y4M = "yuv4mpegpipe"
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".y4m": Y4M}


def container_of(output: Output | StandardOutput) -> str:
    """FFmpeg's name of the container that the output's extension asks for.

    Raises:
        SettingsError: We do not write such files.
    """
    if isinstance(output, StandardOutput):
        return Y4M
    suffix = output.path.suffix.lower()
    if suffix not in CONTAINERS:
        raise SettingsError(
            f"cannot write {suffix or 'no'} files: use {', '.join(CONTAINERS)}, or pictures such "
            "as out/%06d.png"
        )
    return CONTAINERS[suffix]


class Sink:
    """Writes frames, and the streams beside them, to an output.

    A context manager. `finish` closes the file, reads it again to check it and publishes it; when
    it is not reached, nothing is published. What has gone to the standard output is gone.

    Args:
        output: Where to; entered already.
        clip: What will be written: the frames' format, time base, rate, shape and rotation.
        settings: How to encode.
        side: The streams to copy.

    Raises:
        SettingsError: The encoder fails its trial, or the container cannot hold its codec.
    """

    def __init__(
        self,
        output: Output | StandardOutput,
        *,
        clip: ClipInfo,
        settings: EncodeSettings,
        side: SideStreams | NoSideStreams,
    ) -> None:
        self.notes = Notes()
        self._output, self._clip, self._settings, self._side = output, clip, settings, side
        self._times = array("q")  # 8 bytes a frame: a film's list of times is small
        self._durations: dict[int, int] = {}
        format_name = container_of(output)
        # YUV4MPEG has a rate, and no times.
        self._even = 1 / (clip.average_rate or STREAM_RATE) if format_name == Y4M else None
        lost = unsaid(clip.hdr, settings.encoder)
        if lost:
            self.notes.warn(f"not carried over: {lost}")
        try_encoder(settings, clip)
        self._file: OutputContainer = av.open(
            output.url,
            "w",
            format=format_name,
            container_options=_container_options(format_name, clip),
        )
        try:
            self._stream: VideoStream = self._add_video()
            side.attach(self._file, self._stream)
            self._write_header()
            if format_name == Y4M:
                self._name_losses()
        except BaseException:
            self._drop()
            raise

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return len(self._times)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._drop()

    def write(self, frame: Frame) -> None:
        """Encode a frame, and copy what comes before it in the other streams.

        Args:
            frame: Of the clip's format, later than the one before.

        Raises:
            OutputError: The encoder or the muxer failed.
            ResourceError: The disk is full.
        """
        timing = frame.timing
        self._times.append(timing.pts)
        self._durations[timing.pts] = timing.duration
        try:
            self._side.copy_until(timing.pts * timing.time_base)
            picture = to_picture(frame, self._settings.pix_fmt)
            if self._even is not None:
                picture.pts, picture.time_base = self.frames - 1, self._even
            self._mux(self._stream.encode(picture))
        except av.FFmpegError as error:
            raise output_fault(error, f"cannot write {self._output.path}") from error

    def finish(self) -> None:
        """Write what is left, check the file and give it its name.

        Raises:
            OutputError: The encoder or the muxer failed, or the name has been taken.
            ResourceError: The disk is full.
            VerificationError: The file does not hold what was written to it.
        """
        try:
            last = self._stream.encode(None)
            if len(last) == self.frames:  # the encoder has held them all
                _restamp(last)
            self._mux(last)
            self._side.copy_until(None)
            # Matroska says only here that the disk is full.
            self._file.close()
        except av.FFmpegError as error:
            raise output_fault(error, f"cannot write {self._output.path}") from error
        if self._file.format.name == Y4M and uneven(self._times, self._clip):
            self.notes.warn(
                "the frames are not evenly spaced, and .y4m holds no times: now they are"
            )
        if isinstance(self._output, Output):
            self._output.sync()
            self._verify(self._output)
            self._output.publish()

    def _add_video(self) -> VideoStream:
        """The video stream, told all before the header is written."""
        try:
            stream = self._file.add_stream(self._settings.encoder, rate=25)
        except ValueError as error:
            raise self._misfit() from error
        if not isinstance(stream, VideoStream):
            raise SettingsError(f"{self._settings.encoder} is not a video encoder")
        configure(stream.codec_context, self._settings, self._clip)
        if self._even is not None:
            stream.codec_context.time_base = self._even
        stream.time_base = self._even or self._clip.time_base
        stream.codec_context.options = encoder_options(self._settings, self._clip)
        if self._clip.rotation:
            stream.set_display_rotation(-self._clip.rotation)
        if (
            stream.codec_context.codec.canonical_name == "hevc"
            and self._file.format.name != "matroska"
        ):
            stream.codec_context.codec_tag = "hvc1"  # Apple's players know no other
        return stream

    def _write_header(self) -> None:
        """Write the header now: some containers say only then what they cannot hold."""
        try:
            with kept_priority():
                self._file.start_encoding()
        except av.FFmpegError as error:
            if isinstance(error, OSError) and not isinstance(error, ValueError):
                raise output_fault(error, f"cannot write {self._output.path}") from error
            raise self._misfit() from error

    def _misfit(self) -> SettingsError:
        """The error to raise when the container does not take the encoder's codec."""
        name, form = self._settings.encoder, self._settings.pix_fmt
        if self._file.format.name == Y4M:
            return SettingsError(f".y4m holds uncompressed frames only, not {name} of {form}")
        suffix = self._output.path.suffix
        return SettingsError(f"{suffix} files cannot hold {name} of {form}: use .mkv")

    def _name_losses(self) -> None:
        """Say what a .y4m cannot tell whoever reads it."""
        color = self._clip.format.color
        self.notes.inform(
            f"a .y4m does not say its colour: matrix {color.matrix}, primaries {color.primaries}, "
            f"transfer {color.transfer} of ITU-T H.273"
        )
        if self._clip.rotation:
            self.notes.warn(f"not carried over: the rotation by {self._clip.rotation} degrees")

    def _mux(self, packets: "list[Packet[VideoStream]]") -> None:
        """Hand the encoder's packets on, each as long as its frame: the last one's counts."""
        for packet in packets:
            duration = self._durations.pop(packet.pts or 0, 0)
            if duration:
                unit = self._clip.time_base / fraction(packet.time_base)
                packet.duration = round(duration * unit)
            self._file.mux(packet)

    def _drop(self) -> None:
        """Close an unfinished file. What its muxer still says does not matter: the file goes."""
        with suppress(av.FFmpegError, ValueError):
            self._file.close()

    def _verify(self, output: Output) -> None:
        """Read the file again: every frame at its time, every copied packet."""
        try:
            with av.open(output.url) as written:
                videos = [stream for stream in written.streams.video if not is_cover(stream)]
                if len(videos) != 1:
                    raise VerificationError(
                        f"the finished file has {len(videos)} videos, not 1: it is not published"
                    )
                video = videos[0]
                times = array("q")
                places = self._side.places_in(written)
                counts, payload = Counter[int](), Counter[int]()
                for packet in written.demux():
                    if packet.stream_index == video.index and packet.size:
                        times.append(packet.pts if packet.pts is not None else -(1 << 62))
                    elif packet.stream_index in places and says_something(packet):
                        counts[places[packet.stream_index]] += 1
                        payload[places[packet.stream_index]] += packet.size
                found_base = fraction(video.time_base)
                self._check_shape(fraction(video.sample_aspect_ratio))
        except av.FFmpegError as error:
            raise VerificationError(
                f"the finished file cannot be read again ({error}): it is not published"
            ) from error
        self._check_times(sorted(times), found_base)
        for index, count in self._side.copied.items():
            # A muxer may join or cut packets of raw sound, or take the wrapping off others.
            if counts[index] != count and payload[index] != self._side.payload[index]:
                raise VerificationError(
                    f"stream {index} of the finished file has {counts[index]} packets, not "
                    f"{count}: it is not published"
                )

    def _check_shape(self, found: Fraction) -> None:
        """Say so if the file has lost the shape of its pixels.

        PyAV cannot tell Matroska's muxer, so it is lost there unless the codec has a place for it,
        as HEVC and H.264 do; FFV1, AV1 and ProRes do not.
        """
        wanted = self._clip.sample_aspect_ratio
        if (found or Fraction(1)) != wanted:
            self.notes.warn(
                f"not carried over: the shape of a pixel, {wanted.numerator}:{wanted.denominator}; "
                "libx265 or libx264, or a .mov, would keep it"
            )

    def _check_times(self, found: list[int], found_base: Fraction) -> None:
        """Every frame at its time, but for the rounding to the file's ticks."""
        if len(found) != len(self._times):
            raise VerificationError(
                f"the finished file has {len(found)} frames, not {len(self._times)}: "
                "it is not published"
            )
        if self._file.format.name == Y4M:
            return
        unit = self._clip.time_base / found_base
        worst = max(
            (abs(now - was * unit) for now, was in zip(found, self._times, strict=True)),
            default=Fraction(0),
        )
        if worst > 1:
            raise VerificationError(
                f"a frame of the finished file is {float(worst * found_base):g} s from its time: "
                "it is not published"
            )


def uneven(times: "array[int]", clip: ClipInfo) -> bool:
    """Whether frames at these ticks are further than half a frame from an even spacing."""
    if not times or not clip.average_rate:
        return False
    step = 1 / (clip.average_rate * clip.time_base)
    return any(2 * abs(pts - times[0] - index * step) > step for index, pts in enumerate(times))


def _container_options(format_name: str, clip: ClipInfo) -> dict[str, str]:
    """What a muxer is told beforehand."""
    if format_name == "matroska":
        # It would move all streams if one begins before 0, as AAC with its priming does.
        return {"avoid_negative_ts": "disabled"}
    if format_name == Y4M:
        return {"strict": "-1"}  # more than 8 bits, which all that read it know by now
    return {"movie_timescale": str(_movie_ticks(clip.time_base))}


def _restamp(packets: "list[Packet[VideoStream]]") -> None:
    """Give all packets of a clip new decoding times: the latest that come before no picture's.

    x265 reckons them from a frame that a clip of one or two does not have: from memory it has not
    written (4.3), so that they are anything.
    """
    shown = [packet.pts or 0 for packet in packets]
    late = max((when - pts for when, pts in zip(sorted(shown), shown, strict=True)), default=0)
    for packet, when in zip(packets, sorted(shown), strict=True):
        packet.dts = when - late


def _movie_ticks(time_base: Fraction) -> int:
    """Ticks a second of an MP4's own clock: whole ones in a video's, finer than a sound sample.

    In them the file says when each stream begins. For coarse time bases (AVI's 1/24, QuickTime's
    1/600) FFmpeg takes milliseconds, in which a start later than 0 would be moved.
    """
    return time_base.denominator * -(-90_000 // time_base.denominator)
