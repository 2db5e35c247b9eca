"""Encode frames into numbered pictures, which stand under their names only when all are there."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Self

import av

from vs_gendrpix.errors import OutputError, SettingsError, VerificationError
from vs_gendrpix.frame.captions import LOST_CAPTIONS
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.scan_header import ScanHeader, with_scan_header
from vs_gendrpix.frame.timecode import moved
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.write.encoding.encoder import Encoder
from vs_gendrpix.write.output import Output, output_fault
from vs_gendrpix.write.picture_comment import with_comment

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

CODECS = {".png": "png", ".tif": "tiff", ".tiff": "tiff", ".dpx": "dpx", ".exr": "exr"}
"""FFmpeg's names of the codecs for numbered pictures, by extension."""


class PictureWriter:
    """Writes every frame to a file of its own; a `Writer`.

    Pictures of a sequence keep their numbers, also where one before was broken; those of a video
    count from 1.

    Args:
        output: Where to; entered already. A file takes one picture, and no more.
        clip: What will be written.
        settings: How to encode.
        notes: Where it is told what pictures cannot hold.
        timecode: That of the first frame of all, for DPX and OpenEXR; empty if there is none.
        begin: Second of that frame; None if it is the first one here.
        comment: Text that every picture gets.

    Raises:
        SettingsError: The encoder fails its trial, or is not that of such files.
    """

    def __init__(
        self,
        output: Output,
        *,
        clip: ClipInfo,
        settings: EncodeSettings,
        notes: Notes,
        timecode: str = "",
        begin: Fraction | None = None,
        comment: str = "",
    ) -> None:
        self._timecode, self._begin, self._comment = timecode, begin, comment
        self._output, self._clip, self._notes = output, clip, notes
        self._written: dict[Path, int] = {}
        """Size in bytes of each written file."""
        self._bytes = 0
        self._codec = CODECS[output.suffix]
        self._encoder = Encoder(settings, clip)
        if self._encoder.stream.codec_context.name != self._codec:
            self.close()
            raise SettingsError(f"{output.suffix} files hold {self._codec}, not {settings.encoder}")
        if clip.orientation:
            notes.warn(f"not carried over to pictures: {clip.orientation}")

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return len(self._encoder.times)

    @property
    def size(self) -> tuple[int, int]:
        """Bytes written so far, and the number of frames that they hold."""
        return self._bytes, len(self._written)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the encoder."""
        self._encoder.close()

    def write(self, frame: Frame) -> None:
        """Encode a frame and save the pictures that are ready."""
        if self.frames and self._output.names is None:
            raise OutputError(
                f"{self._output.path} takes one picture, but there are more: "
                f"name them with a number, such as out/%06d{self._output.path.suffix}"
            )
        if frame.captions:
            self._notes.warn(LOST_CAPTIONS)
        try:
            self._save(self._encoder.encode(frame))
        except (av.FFmpegError, OSError) as error:
            raise output_fault(error, f"cannot write {self._output.path}") from error

    def finish(self) -> None:
        """Save the remaining pictures, check all, and give the folder its name."""
        try:
            self._save(self._encoder.flush())
        except (av.FFmpegError, OSError) as error:
            raise output_fault(error, f"cannot write {self._output.path}") from error
        if self._clip.first_number is None and uneven(self._encoder.times, self._clip):
            self._notes.warn("the frames are not evenly spaced, and pictures hold no times")
        self._output.sync()
        self._verify()
        self._output.publish()

    def _save(self, packets: "list[Packet[VideoStream]]") -> None:
        """Write pictures: a packet of the encoder is all that the file holds."""
        for packet in packets:
            path = self._path(packet.pts or 0)
            picture = with_scan_header(bytes(packet), self._header(packet.pts or 0))
            picture = with_comment(self._codec, picture, self._comment)
            with path.open("wb") as file:
                file.write(picture)
            self._written[path] = len(picture)
            self._bytes += len(picture)

    def _path(self, pts: int) -> Path:
        """The temporary file of the frame at a tick."""
        names = self._output.names
        if names is None:
            return self._output.part
        if self._clip.first_number is None:
            return names.path(len(self._written) + 1)
        return names.path(self._clip.first_number + self._frames_from(None, pts))

    def _header(self, pts: int) -> ScanHeader:
        """Make the header of the frame at a tick."""
        rate, timecode = self._clip.average_rate, ""
        if self._timecode:
            frames = max(self._frames_from(self._begin, pts), 0)
            timecode = moved(self._timecode, frames, rate) or ""
        return ScanHeader(timecode=timecode, rate=rate)

    def _frames_from(self, begin: Fraction | None, pts: int) -> int:
        """Frames at the clip's rate from a second to a tick; None is the first frame here."""
        unit = self._clip.time_base
        first = self._encoder.times[0] * unit if begin is None else begin
        return round((pts * unit - first) * self._clip.average_rate)

    def _verify(self) -> None:
        """Check that every picture is there and whole, and that the first and last can be read."""
        sizes = {path: path.stat().st_size for path in self._written if path.exists()}
        if len(self._written) != self.frames or sizes != self._written:
            whole = len(sizes.items() & self._written.items())
            raise VerificationError(
                f"only {whole} of {self.frames} pictures are on the disk as they were written: "
                "none is published"
            )
        wanted = (self._clip.format.width, self._clip.format.height)
        for path in (min(sizes), max(sizes)):
            try:
                with av.open(f"file:{path}", format=f"{self._codec}_pipe") as written:
                    picture = next(written.decode(video=0))
            except (av.FFmpegError, StopIteration) as error:
                raise VerificationError(
                    f"the picture {path.name} cannot be read again ({error}): none is published"
                ) from error
            if (picture.width, picture.height) != wanted:
                raise VerificationError(
                    f"the picture {path.name} has the wrong size: none is published"
                )


def uneven(times: Sequence[int], clip: ClipInfo) -> bool:
    """Tell whether frames are more than half a frame off an even spacing at the clip's rate.

    Args:
        times: The frames' times, in ticks of the clip's time base.
        clip: The clip; of one without a rate nothing is known.
    """
    if not times or not clip.average_rate:
        return False
    step = 1 / (clip.average_rate * clip.time_base)
    return any(2 * abs(pts - times[0] - index * step) > step for index, pts in enumerate(times))
