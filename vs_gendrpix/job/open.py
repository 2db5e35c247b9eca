"""Open what the user names: an input to read, an output to write."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from fractions import Fraction
from pathlib import Path

from vs_gendrpix.errors import OutputError, SettingsError
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.sequence import PICTURES, Names
from vs_gendrpix.libav.faults import reading
from vs_gendrpix.read.input import FileInput, Input
from vs_gendrpix.settings import ProcessSettings, ReadSettings, WriteSettings
from vs_gendrpix.write.carry.plan import CarryPlan, carry_nothing, plan_carry
from vs_gendrpix.write.carry.timecodes import input_timecode, wanted_timecode
from vs_gendrpix.write.container import container_of
from vs_gendrpix.write.output import (
    STDOUT,
    Output,
    OutputFile,
    OutputFolder,
    StandardOutput,
    output_fault,
)
from vs_gendrpix.write.part import sweep
from vs_gendrpix.write.pictures import CODECS

_OF_ANY_INPUT = (
    *("on_change", "start", "end", "preview", "still"),
    *("in_transfer", "hdr", "drop_dynamic_hdr"),
)
"""Fields of `ReadSettings` that apply to VapourSynth scripts too."""


def open_input(path: Path, read: ReadSettings, notes: Notes, *, reopened: bool = False) -> Input:
    """Open an input; it is to be closed by leaving it as a context.

    Args:
        path: What the user named: a file, numbered pictures, `-` or a VapourSynth script.
        read: How to read it.
        notes: Where damage and warnings go.
        reopened: Whether it will be opened once more, which a pipe must know.

    Raises:
        MediaError: The input cannot be read.
        SettingsError: A choice does not fit this input.
    """
    if path.suffix.lower() != ".vpy":
        return FileInput(path, read, notes, reopened=reopened)
    if read != ReadSettings(**{name: getattr(read, name) for name in _OF_ANY_INPUT}):
        raise SettingsError(
            f"the script {path} opens its input itself: leave out the options of reading"
        )
    # VapourSynth is loaded for those who have a script.
    from vs_gendrpix.vapoursynth.script import ScriptInput  # noqa: PLC0415

    return ScriptInput(path, read.in_transfer)


def plan_streams(
    clip: Input,
    output: Path,
    result: ClipInfo,
    settings: ProcessSettings,
    notes: Notes,
    still: Fraction | None = None,
) -> CarryPlan:
    """Plan the streams beside an input's video, if the input can be read a second time.

    Args:
        clip: The opened input.
        output: What the user named.
        result: The frames to encode.
        settings: What is wanted.
        notes: Is told what is wrong with the input's timecodes.
        still: The moment of which the one frame is written; None is a whole range.

    Raises:
        MediaError: The input cannot be read.
        SettingsError: We do not write such files, or the output cannot begin with the timecode.
    """
    suffix, rate = ".y4m" if output == STDOUT else output.suffix.lower(), result.average_rate
    wanted = settings.write.timecode
    timecode = "" if wanted is None else wanted_timecode(wanted, suffix, rate)
    if not isinstance(clip, FileInput) or not clip.rereadable:
        return CarryPlan(timecode=timecode)
    opened, keep, start = clip.clip, settings.write.streams, settings.read.start
    with reading(clip.path):
        timecodes = timecode, ""
        if not timecode:
            timecodes = input_timecode(
                opened, suffix, rate=rate, start=start, still=still, notes=notes
            )
        if suffix in CODECS:
            return carry_nothing(opened.container, opened.stream, keep, timecodes)
        return plan_carry(
            opened.container,
            opened.stream,
            path=clip.path,
            container=container_of(suffix),
            keep=keep,
            timecodes=timecodes,
            index=opened.index,
        )


def open_output(path: Path, *, source: Path, overwrite: bool) -> Output:
    """Choose the output of a path; it is to be entered as a context.

    Args:
        path: What the user named.
        source: The input, which the output must not be.
        overwrite: Whether what exists may be replaced.

    Raises:
        OutputError: The path exists, is the input, or cannot be written.
        SettingsError: We do not write such pictures.
    """
    if path == STDOUT:
        return StandardOutput()
    suffix = path.suffix.lower()
    if suffix in PICTURES and suffix not in CODECS:
        raise SettingsError(f"cannot write {suffix} pictures: use {', '.join(CODECS)}")
    names = Names.of(path)
    if names is not None:
        return OutputFolder(names, source=source, overwrite=overwrite)
    return OutputFile(path, source=source, overwrite=overwrite)


@contextmanager
def made_folders(*outputs: Path | None) -> Iterator[None]:
    """Make the folders of outputs. Those made here are removed if the `with` block fails.

    Args:
        outputs: Files, or patterns of pictures, whose own folder appears with them. None and the
            standard output need none.

    Raises:
        OutputError: One of them cannot be made.
    """
    made: list[Path] = []
    try:
        for output in outputs:
            if output is None or output == STDOUT:
                continue
            names = Names.of(output)
            folder = (output if names is None else names.folder).parent
            made += [each for each in (folder, *folder.parents) if not each.exists()]
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise output_fault(error, f"cannot make the folder {folder}") from error
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):  # it holds something
                folder.rmdir()
        raise


@contextmanager
def open_outputs(
    source: Path, output: Path, write: WriteSettings, notes: Notes
) -> Iterator[tuple[Output, OutputFile | None]]:
    """Open the output, and the file of the report if one is asked for.

    What killed runs have left beside them is removed first.

    Args:
        source: The input, which neither of them must be.
        output: What the user named.
        write: What is written.
        notes: Is told what was removed.

    Raises:
        OutputError: One of them exists, or cannot be written, or is being written by another run,
            or they are the same.
        SettingsError: We do not write such pictures.
    """
    names = Names.of(output)
    for target in (names.folder if names else output, write.report):
        for sentence in sweep(target) if target not in {None, STDOUT} else []:
            notes.warn(sentence)
    made = open_output(output, source=source, overwrite=write.overwrite)
    record = None
    if write.report is not None:
        if write.report.resolve() == made.path.resolve():
            raise OutputError(f"the report {write.report} is the output: choose another name")
        record = OutputFile(write.report, source=source, overwrite=write.overwrite)
    with made, record or nullcontext():
        yield made, record
