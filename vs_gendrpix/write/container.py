"""Mux a video's packets and the carried streams into a file, and publish it once it is verified."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Self

import av

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.clip import STREAM_RATE, ClipInfo
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.transfer import stated
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.libav.values import fraction
from vs_gendrpix.write.carry.copy import SideStreams
from vs_gendrpix.write.carry.plan import CarryPlan
from vs_gendrpix.write.description import Description
from vs_gendrpix.write.output import Output, output_fault
from vs_gendrpix.write.verification import verify

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

Y4M = "yuv4mpegpipe"
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".y4m": Y4M}
"""FFmpeg's names of the muxers that we use, by the output's extension."""


INSTEAD = {
    ".webm": ".mp4 with --profile web, which browsers play, or .mkv",
    ".gif": ".mp4, which browsers and chats play in a loop too",
    ".avi": ".mkv, or .mov with --profile prores422hq for editing",
    ".mxf": ".mov with --profile dnxhr-hqx or prores422hq",
    ".ts": ".mkv or .mp4",
    ".mpg": ".mkv or .mp4",
    ".wmv": ".mp4",
    ".flv": ".mp4",
}
"""What to write in the place of files that one may expect to be written, by extension."""


def container_of(suffix: str) -> str:
    """FFmpeg's name of the muxer for an extension.

    Raises:
        SettingsError: We do not write such files.
    """
    if suffix not in CONTAINERS:
        known = f"{', '.join(CONTAINERS)}, or pictures such as out/%06d.png"
        raise SettingsError(
            f"cannot write {suffix or 'no'} files: use {INSTEAD.get(suffix, known)}"
        )
    return CONTAINERS[suffix]


class Container:
    """A file of one encoded video stream and of the streams carried beside it.

    A context manager. `finish` completes the file, reads it again to check it and publishes it;
    when it is not reached, nothing is published. What has gone to the standard output is gone.

    Args:
        output: Where to; entered already.
        video: A stream that describes the video's packets: an encoder's, or that of a file which
            holds them.
        clip: What the video is: time base, rate, pixel aspect ratio and orientation.
        carried: The streams to carry.
        notes: Where it is told what the file cannot hold.

    Raises:
        SettingsError: The container cannot hold the codec.
        OutputError: The file cannot be written.
        ResourceError: The disk is full.
    """

    def __init__(
        self,
        output: Output,
        video: "VideoStream",
        *,
        clip: ClipInfo,
        carried: SideStreams,
        notes: Notes,
    ) -> None:
        self._output, self._clip, self._carried, self._notes = output, clip, carried, notes
        self._bytes = self._packets = 0
        form = container_of(output.suffix)
        self._description = Description(form, clip)
        self._file: OutputContainer = av.open(
            output.url, "w", format=form, container_options=_muxer_options(form, clip, carried.plan)
        )
        try:
            self._stream = self._add_video(video)
            carried.attach(self._file, self._stream)
            self._description.make_room(self._stream.metadata)
            self._write_header(video)
            if form == Y4M:
                self._name_losses()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Errors of an unfinished one are ignored."""
        with suppress(av.FFmpegError, ValueError):
            self._file.close()

    @property
    def size(self) -> tuple[int, int]:
        """Bytes of all packets so far, and how many are of the video."""
        return self._bytes + sum(self._carried.payload.values()), self._packets

    def mux(self, packets: "Iterable[Packet[VideoStream]]") -> None:
        """Write packets of the video, and those of the carried streams that come before them.

        Args:
            packets: In decoding order. They become packets of this file's stream.

        Raises:
            OutputError: The muxer failed.
            ResourceError: The disk is full.
        """
        with self._faults():
            for packet in packets:
                begin = packet.dts if packet.dts is not None else packet.pts or 0
                self._carried.copy_until(begin * fraction(packet.time_base))
                packet.stream = self._stream
                size = packet.size
                self._file.mux(packet)
                self._bytes += size
                self._packets += 1

    def finish(self, times: Sequence[int], joints: Sequence[int] = ()) -> None:
        """Write what is left, check the file and give it its name.

        Args:
            times: Time of every frame that must be there, in ticks of the clip's time base.
            joints: Those of the frames with which parts begin that were encoded by themselves.

        Raises:
            OutputError: The muxer failed, or the name has been taken.
            ResourceError: The disk is full.
            VerificationError: The file does not hold what was written to it.
        """
        with self._faults():
            self._carried.copy_until(None)
            # Matroska says only here that the disk is full.
            self._file.close()
        self._complete()
        self._output.sync()
        if self._output.readable:
            found = verify(
                self._output.url,
                times=times,
                time_base=self._clip.time_base,
                carried=self._carried,
                damaged=self._notes.damaged,
                joints=joints,
            )
            self._name_lost_aspect(found.sample_aspect_ratio)
            if found.lost:
                self._notes.warn(f"not carried over: {'; '.join(found.lost)}")
        self._output.publish()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn errors of the muxer in the `with` block into ours, with libav's reason."""
        with LibavLog(this_thread=True) as log:
            try:
                yield
            except av.FFmpegError as error:
                what = f"cannot write {self._output.path}"
                raise output_fault(error, what, log.reason(error)) from error

    def _complete(self) -> None:
        """Write the description of the video that PyAV cannot give the muxer."""
        if not self._output.readable:
            return
        try:
            self._description.complete(self._output.part)
        except OSError as error:
            raise output_fault(error, f"cannot write {self._output.path}") from error

    def _add_video(self, video: "VideoStream") -> "VideoStream":
        """Add the stream that takes the video's packets."""
        try:
            stream: VideoStream = self._file.add_stream_from_template(video, opaque=True)
        except ValueError as error:
            raise self._misfit(video) from error
        stream.time_base = self._clip.time_base
        # A template's tag is not taken over, and without it all ProRes would be called 422 HQ.
        stream.codec_context.codec_tag = video.codec_context.codec_tag
        # An encoder's stream says these two, a file's perhaps not; Matroska's default duration and
        # QuickTime's pixel aspect ratio come from them.
        stream.codec_context.framerate = self._clip.average_rate or STREAM_RATE
        stream.codec_context.sample_aspect_ratio = self._clip.sample_aspect_ratio
        if self._clip.orientation:
            stream.set_display_rotation(-self._clip.rotation, hflip=self._clip.mirrored)
        codec = stream.codec_context.codec.canonical_name
        if codec == "hevc" and self._file.format.name != "matroska":
            stream.codec_context.codec_tag = "hvc1"  # Apple's players know no other
        return stream

    def _write_header(self, video: "VideoStream") -> None:
        """Write the header now: some containers say only then what they cannot hold."""
        try:
            self._file.start_encoding()
        except av.FFmpegError as error:
            if isinstance(error, OSError) and not isinstance(error, ValueError):
                raise output_fault(error, f"cannot write {self._output.path}") from error
            raise self._misfit(video) from error

    def _misfit(self, video: "VideoStream") -> SettingsError:
        """Make the error for a container that does not take the video's codec."""
        name, form = video.codec_context.name, video.codec_context.pix_fmt
        if self._file.format.name == Y4M:
            return SettingsError(f".y4m holds uncompressed frames only, not {name} of {form}")
        suffix = self._output.suffix
        return SettingsError(f"{suffix} files cannot hold {name} of {form}: use .mkv")

    def _name_losses(self) -> None:
        """Report the properties that a .y4m cannot state."""
        color = self._clip.format.color
        self._notes.inform(
            f"a .y4m does not say its colour: matrix {color.matrix}, primaries {color.primaries}, "
            f"transfer {stated(color.transfer)} of ITU-T H.273"
        )
        if self._clip.orientation:
            self._notes.warn(f"not carried over: {self._clip.orientation}")

    def _name_lost_aspect(self, found: Fraction) -> None:
        """Warn if the file has lost the pixel aspect ratio."""
        wanted = self._clip.sample_aspect_ratio
        if found != wanted:
            ratio = f"{wanted.numerator}:{wanted.denominator}"
            self._notes.warn(f"not carried over: the pixel aspect ratio {ratio}")


def _muxer_options(form: str, clip: ClipInfo, carried: CarryPlan) -> dict[str, str]:
    """The options of a muxer for a clip and what is carried beside it."""
    if form == "matroska":
        # It would move all streams if one begins before 0, as AAC with its priming does.
        # By itself it draws random numbers for the file, its tracks and chapters.
        return {"avoid_negative_ts": "disabled", "fflags": "+bitexact"}
    if form == Y4M:
        return {"strict": "-1"}  # more than 8 bits, which all that read it know by now
    flags = {"use_metadata_tags": carried.keys, "faststart": form == "mp4"}
    return {
        "movie_timescale": str(_movie_ticks(clip.time_base)),
        "movflags": "".join(f"+{name}" for name, wanted in flags.items() if wanted) or "0",
    }


def _movie_ticks(time_base: Fraction) -> int:
    """Ticks per second of an MP4's own clock: a multiple of the video's, and at least 90,000.

    The file counts in them when each stream begins. For coarse time bases (AVI's 1/24, QuickTime's
    1/600) FFmpeg takes milliseconds, in which a start later than 0 would be moved.
    """
    return time_base.denominator * -(-90_000 // time_base.denominator)
