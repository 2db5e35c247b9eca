"""Encode frames into numbered pictures, which stand under their names only when all are there."""

from array import array
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import av
from av.video.codeccontext import VideoCodecContext

from vs_gendrpix.carry.copy import NoSideStreams, SideStreams
from vs_gendrpix.errors import OutputError, SettingsError, VerificationError
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import Frame
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.write.container import uneven
from vs_gendrpix.write.encoder import configure, encoder_options, try_encoder
from vs_gendrpix.write.output import Output, OutputFolder, output_fault

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

CODECS = {".png": "png", ".tif": "tiff", ".tiff": "tiff", ".dpx": "dpx", ".exr": "exr"}
"""FFmpeg's names of the codecs whose pictures we write, by extension."""


class PictureSink:
    """Writes every frame to a file of its own, as `write.container.Sink` writes all to one.

    Pictures of a sequence keep their numbers, also where one before was broken; those of a video
    count from 1.

    Args:
        output: Where to; entered already. A file takes one picture, and no more.
        clip: What will be written.
        settings: How to encode.
        side: The streams beside the video, which are named and left.

    Raises:
        SettingsError: The encoder fails its trial, or is not that of such files.
    """

    def __init__(
        self,
        output: Output | OutputFolder,
        *,
        clip: ClipInfo,
        settings: EncodeSettings,
        side: SideStreams | NoSideStreams,
    ) -> None:
        self.notes = Notes()
        self._output, self._clip, self._settings = output, clip, settings
        self._times = array("q")
        self._written: dict[Path, int] = {}
        """Bytes of each file."""
        suffix = output.names.suffix if isinstance(output, OutputFolder) else output.path.suffix
        wanted = CODECS[Path(f"x{suffix}").suffix.lower()]
        try_encoder(settings, clip)
        context = av.CodecContext.create(settings.encoder, "w")
        if context.name != wanted or not isinstance(context, VideoCodecContext):
            raise SettingsError(f"{suffix} files hold {wanted}, not {settings.encoder}")
        self._context = context
        configure(context, settings, clip)
        context.options = encoder_options(settings, clip)
        side.leave()
        if clip.rotation:
            self.notes.warn(
                f"not carried over to pictures: the rotation by {clip.rotation} degrees"
            )

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
        pass

    def write(self, frame: Frame) -> None:
        """Encode a frame.

        Args:
            frame: Of the clip's format, later than the one before.

        Raises:
            OutputError: The encoder failed, or a picture cannot be written.
            ResourceError: The disk is full.
        """
        if self._times and isinstance(self._output, Output):
            raise OutputError(
                f"{self._output.path} takes one picture, but there are more: "
                f"name them with a number, such as out/%06d{self._output.path.suffix}"
            )
        self._times.append(frame.timing.pts)
        try:
            self._save(self._context.encode(to_picture(frame, self._settings.pix_fmt)))
        except (av.FFmpegError, OSError) as error:
            raise output_fault(error, f"cannot write {self._output.path}") from error

    def finish(self) -> None:
        """Write what is left, check the files and give them their names.

        Raises:
            OutputError: The encoder failed, or the name has been taken.
            ResourceError: The disk is full.
            VerificationError: The files do not hold what was written to them.
        """
        try:
            self._save(self._context.encode(None))
        except (av.FFmpegError, OSError) as error:
            raise output_fault(error, f"cannot write {self._output.path}") from error
        if self._clip.first_number is None and uneven(self._times, self._clip):
            self.notes.warn("the frames are not evenly spaced, and pictures hold no times")
        self._output.sync()
        self._verify()
        self._output.publish()

    def _save(self, packets: "list[Packet[VideoStream]]") -> None:
        """Write pictures: what the encoder gives is what the file holds."""
        for packet in packets:
            path = self._path(packet.pts or 0)
            with path.open("wb") as file:
                file.write(bytes(packet))
            self._written[path] = packet.size

    def _path(self, pts: int) -> Path:
        """The file of the frame at a tick."""
        if isinstance(self._output, Output):
            return self._output.part
        if self._clip.first_number is None:
            return self._output.names.path(len(self._written) + 1)
        frames = (pts - self._times[0]) * self._clip.time_base * self._clip.average_rate
        return self._output.names.path(self._clip.first_number + round(frames))

    def _verify(self) -> None:
        """Every picture is there and whole, and the first and the last can be read."""
        sizes = {path: path.stat().st_size for path in self._written if path.exists()}
        if len(self._written) != self.frames or sizes != self._written:
            whole = len(sizes.items() & self._written.items())
            raise VerificationError(
                f"of {self.frames} pictures {whole} stand on the disk as they were written: "
                "none is published"
            )
        wanted = (self._clip.format.width, self._clip.format.height)
        for path in (min(sizes), max(sizes)):
            try:
                with av.open(f"file:{path}", format=f"{self._context.name}_pipe") as written:
                    picture = next(written.decode(video=0))
            except (av.FFmpegError, StopIteration) as error:
                raise VerificationError(
                    f"the picture {path.name} cannot be read again ({error}): none is published"
                ) from error
            if (picture.width, picture.height) != wanted:
                raise VerificationError(f"the picture {path.name} has another size than it must")
