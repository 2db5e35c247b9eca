"""Open what the user names as output: a file, a folder of pictures or the standard output."""

from pathlib import Path

from vs_gendrpix.carry.copy import NoSideStreams, SideStreams
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.read.sequence import PICTURES, Names
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.write.container import Sink
from vs_gendrpix.write.output import Output, OutputFolder, StandardOutput
from vs_gendrpix.write.pictures import CODECS, PictureSink


def open_output(
    path: Path, *, source: Path, overwrite: bool
) -> Output | OutputFolder | StandardOutput:
    """Where the result goes, which is to be entered as a context.

    Args:
        path: What the user named.
        source: The input, which the output must not be.
        overwrite: Whether what exists may be replaced.

    Raises:
        OutputError: The path exists, is the input, or cannot be written.
        SettingsError: We do not write such pictures.
    """
    if path == StandardOutput.path:
        return StandardOutput()
    suffix = path.suffix.lower()
    if suffix in PICTURES and suffix not in CODECS:
        raise SettingsError(f"cannot write {suffix} pictures: use {', '.join(CODECS)}")
    names = Names.of(path)
    if names is not None:
        return OutputFolder(names, source=source, overwrite=overwrite)
    return Output(path, source=source, overwrite=overwrite)


def open_sink(
    output: Output | OutputFolder | StandardOutput,
    *,
    clip: ClipInfo,
    settings: EncodeSettings,
    side: SideStreams | NoSideStreams,
) -> Sink | PictureSink:
    """What writes frames to an output.

    Args:
        output: Where to; entered already.
        clip: What will be written.
        settings: How to encode; nothing is left open.
        side: What lies beside the input's video.

    Raises:
        SettingsError: The encoder fails its trial, or the files cannot hold its codec.
    """
    if isinstance(output, OutputFolder):
        return PictureSink(output, clip=clip, settings=settings, side=side)
    if isinstance(output, Output) and output.path.suffix.lower() in CODECS:
        return PictureSink(output, clip=clip, settings=settings, side=side)
    return Sink(output, clip=clip, settings=settings, side=side)
