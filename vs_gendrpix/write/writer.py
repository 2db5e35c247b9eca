"""Write restored frames to an output: a file, numbered pictures or the standard output."""

from array import array
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from typing import Protocol, Self

import av

from vs_gendrpix.frame.captions import LOST_CAPTIONS
from vs_gendrpix.frame.clip import STREAM_RATE, ClipInfo
from vs_gendrpix.frame.format import Frame, Timing
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.write.carry.copy import SideStreams
from vs_gendrpix.write.container import Y4M, Container, container_of
from vs_gendrpix.write.encoding.encoder import Encoder
from vs_gendrpix.write.encoding.hdr_options import lost_metadata
from vs_gendrpix.write.output import Output, output_fault
from vs_gendrpix.write.pictures import CODECS, PictureWriter, uneven


class Writer(Protocol):
    """Writes frames in order, and publishes the checked result.

    A context manager. When `finish` is not reached, nothing is published.
    """

    @property
    def frames(self) -> int:
        """Frames written so far."""

    @property
    def size(self) -> tuple[int, int]:
        """Bytes written so far, and the number of frames in them: encoders hold some back."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *ended: object) -> None: ...

    def write(self, frame: Frame) -> None:
        """Write a frame.

        Args:
            frame: Of the clip's format, later than the one before.

        Raises:
            OutputError: The encoder or the muxer failed, or the output takes no more frames.
            ResourceError: The disk is full.
        """

    def finish(self) -> None:
        """Write what is left, check the output and give it its name.

        Raises:
            OutputError: The encoder or the muxer failed, or the name has been taken.
            ResourceError: The disk is full.
            VerificationError: The output does not hold what was written to it.
        """


def open_writer(
    output: Output,
    clip: ClipInfo,
    settings: EncodeSettings,
    carried: SideStreams,
    notes: Notes,
    begin: Fraction | None = None,
) -> Writer:
    """Open what writes frames to an output.

    Args:
        output: Where to; entered already.
        clip: What will be written: the frames' format, time base, rate, pixel aspect ratio and
            orientation.
        settings: How to encode; nothing is left open.
        carried: The streams beside the input's video.
        notes: Where it is told what the output cannot hold.
        begin: Second of the first frame of the whole of which this is a part; None if it is all.

    Raises:
        SettingsError: The encoder fails its trial, or the files cannot hold its codec.
        OutputError: The output cannot be written.
        ResourceError: The disk is full.
    """
    if output.suffix in CODECS:
        return PictureWriter(
            output,
            clip=clip,
            settings=settings,
            notes=notes,
            timecode=carried.plan.timecode,
            begin=begin,
            comment=carried.provenance,
        )
    return FileWriter(output, clip=clip, settings=settings, carried=carried, notes=notes)


class FileWriter:
    """Encodes frames into one file, with the streams beside them."""

    def __init__(
        self,
        output: Output,
        *,
        clip: ClipInfo,
        settings: EncodeSettings,
        carried: SideStreams,
        notes: Notes,
    ) -> None:
        self._output, self._clip, self._notes = output, clip, notes
        self._times = array("q")
        # YUV4MPEG has a rate, and no times: its frames become evenly spaced.
        self._even = None
        if container_of(output.suffix) == Y4M:
            self._even = 1 / (clip.average_rate or STREAM_RATE)
            clip = replace(clip, time_base=self._even)
        lost = lost_metadata(clip.hdr, settings.encoder)
        if lost:
            notes.warn(f"not carried over: {lost}")
        with ExitStack() as opened:
            self._encoder = opened.enter_context(Encoder(settings, clip))
            self._container = opened.enter_context(
                Container(output, self._encoder.stream, clip=clip, carried=carried, notes=notes)
            )
            self._opened = opened.pop_all()

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return len(self._times)

    @property
    def size(self) -> tuple[int, int]:
        """Bytes written so far, and the number of frames that they hold."""
        return self._container.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and the encoder."""
        self._opened.close()

    def write(self, frame: Frame) -> None:
        """Encode a frame, and write the packets that are ready."""
        self._times.append(frame.timing.pts)
        if frame.captions and not self._encoder.holds_captions:
            self._notes.warn(LOST_CAPTIONS)
        if self._even is not None:
            timing = Timing(pts=self.frames - 1, duration=1, time_base=self._even)
            frame = replace(frame, timing=timing)
        try:
            packets = self._encoder.encode(frame)
        except av.FFmpegError as error:
            raise output_fault(error, f"cannot write {self._output.path}") from error
        self._container.mux(packets)

    def finish(self) -> None:
        """Write the remaining packets, check the file and give it its name."""
        try:
            packets = self._encoder.flush()
        except av.FFmpegError as error:
            raise output_fault(error, f"cannot write {self._output.path}") from error
        self._container.mux(packets)
        if self._even is not None and uneven(self._times, self._clip):
            self._notes.warn(
                "the frames are not evenly spaced, and .y4m holds no times: readers will space "
                "them evenly"
            )
        self._container.finish(self._encoder.times)
