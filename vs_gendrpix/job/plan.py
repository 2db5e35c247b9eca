"""The plan of a job: all decisions made before its first frame, as a value."""

import hashlib
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Self

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.formats import framed_clip, refuse_other_sizes, tell_what_changes
from vs_gendrpix.job.grading import check_hdr
from vs_gendrpix.job.open import open_input, open_outputs, plan_streams
from vs_gendrpix.job.prepare import graphs_after, graphs_before
from vs_gendrpix.job.survey import picture_area, refuse_other_than_picture, with_range
from vs_gendrpix.libav.filters import Around, Filters, needed_around
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.models.catalogue import find_model, model_card, with_detail
from vs_gendrpix.models.heap import keep_freed
from vs_gendrpix.models.unchanged import kept_until_changed
from vs_gendrpix.read.input import Input
from vs_gendrpix.read.look.fields import Scan
from vs_gendrpix.settings import ProcessSettings, ReadSettings, RestoreSettings
from vs_gendrpix.settings.option import as_flags
from vs_gendrpix.settings.values import from_json, to_json
from vs_gendrpix.write.carry.plan import CarryPlan
from vs_gendrpix.write.encoding.choosing import with_encoder
from vs_gendrpix.write.encoding.trial import try_encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """The model of a job.

    Attributes:
        name: Its name by its card.
        path: Its safetensors file.
        sha256: Digest of the file, in hexadecimal digits.
    """

    name: str
    path: Path
    sha256: str

    @classmethod
    def of(cls, model: str | Path) -> Self:
        """Find a model, by its name or its file, and read its card and digest.

        Raises:
            ModelError: There is no such model.
        """
        path = find_model(model)
        return cls(name=model_card(path).name, path=path, sha256=_digest(path))


@kept_until_changed
def _digest(path: Path) -> str:
    """Compute the SHA-256 digest of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A job: the input, the output and every decision between them.

    Attributes:
        source: The input, as the user named it.
        output: The output, as the user named it.
        settings: What to do, with nothing left open: the range in place of a preview or a still,
            the crop that was found, an encoder and its pixel format, the model and its arithmetic.
        still: The moment of which the one frame is restored, in seconds from where the clip begins;
            None is all frames.
        clip: The input's frames.
        before: Graphs of FFmpeg's filters, in FFmpeg's syntax, for frames before they are restored.
        fields: Whether the frames are interlaced, and how.
        filtered: The frames behind them.
        area: The part of these that is restored.
        framed: The restored frames, with the bars that are put back.
        place: The part of them that the network's result fills.
        after: Graphs for restored frames.
        result: The frames to encode.
        carried: What becomes of the streams beside the picture.
        model: The model.
        provenance: What the output says of how it was made; empty if nothing.
        warnings: Warnings of the planning, which the report repeats.
        informed: What else the planning has said, which the run does not say again.
        decided: What was decided for the user, which the report repeats.
    """

    source: Path
    output: Path
    settings: ProcessSettings
    still: Fraction | None
    clip: ClipInfo
    before: tuple[str, ...]
    fields: Scan
    filtered: ClipInfo
    area: Area
    framed: ClipInfo
    place: Area
    after: tuple[str, ...]
    result: ClipInfo
    carried: CarryPlan
    model: ModelFile
    provenance: str
    warnings: tuple[str, ...]
    informed: tuple[str, ...]
    decided: tuple[str, ...]

    def needed_before(self) -> Around | None:
        """Count the frames around one that the filters before restoring need to make it.

        Returns:
            The frames; None where a filter needs the whole clip, or may need it.
        """
        return needed_around(self.before, self.clip.average_rate)

    def to_json(self) -> str:
        """Write the plan as JSON text."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a plan from JSON text.

        Raises:
            SettingsError: The text is no plan of this version.
        """
        return from_json(text, cls, "the plan")


def make_plan(
    src: str | Path,
    dst: str | Path,
    settings: ProcessSettings | None = None,
    *,
    elsewhere: bool = False,
) -> Plan:
    """Decide all that a job needs, looking at its input once.

    Nothing is written. The output's name, the filters, the encoder and the model are tried.

    Args:
        src: The input; see `process`.
        dst: The output; see `process`.
        settings: What to do; None is a restoration to 4 times the size.
        elsewhere: Whether other machines restore, so that this one need not have the device.

    Raises:
        GendrpixError: One of its kinds: what the run would be refused for.
    """
    keep_freed()  # before the looks start threads, which keep the heap that they have
    source, output, notes = Path(src), Path(dst), Notes()
    settings = ProcessSettings.of(settings)
    still = settings.read.still
    if still is not None:
        refuse_other_than_picture(output)
    with open_outputs(source, output, settings.write, notes):
        pass  # what would be refused after the looks is refused before them
    with (
        open_input(source, settings.read, notes, reopened=True) as clip,
        LibavLog(this_thread=True),  # the decoder's lines are the input's
    ):
        settings = with_range(clip, settings, notes)
        read, program = settings.read, settings.prepare.ffmpeg
        info = _looked_at(clip, read)
        if read.on_change == "error":
            clip.refuse_changes(info.format, read.end)
        check_hdr(info, read, notes)
        found = clip.fields(read.start, read.end)
        before = graphs_before(settings.prepare, found, notes)
        filtered = Filters(info, before, field_order=found.order, program=program).info
        settings = _with_encoder(settings, output, filtered)
        area = picture_area(clip, info, filtered, settings, notes)
        settings = _with_crop(settings, area)
        framed, place = framed_clip(filtered, settings, area)
        after = graphs_after(settings)
        result = Filters(framed, after, program=program).info
        if settings.finish.compare != "none":
            refuse_other_sizes((info, filtered), (framed, result))
        if still is not None:
            result = replace(result, frames=1)
        tell_what_changes(info, result, settings, notes)
        carried = plan_streams(clip, output, result, settings, notes, still)
        if still is None:
            carried.tell(notes)
    try_encoder(settings.write.encode, result)
    restore, model = _with_model(settings.restore, elsewhere=elsewhere or settings.job.on_ray)
    notes.tell_decided()
    return Plan(
        source=source,
        output=output,
        settings=replace(settings, restore=restore),
        still=still,
        clip=info,
        before=tuple(before),
        fields=found,
        filtered=filtered,
        area=area,
        framed=framed,
        place=place,
        after=tuple(after),
        result=result,
        carried=carried,
        model=model,
        provenance=_provenance(replace(settings, restore=restore), still, model),
        warnings=tuple(notes.warnings),
        informed=tuple(notes.informed),
        decided=tuple(notes.decided),
    )


def _looked_at(clip: Input, read: ReadSettings) -> ClipInfo:
    """Describe the clip by the first frame to restore; by the first of all if it is a pipe."""
    if clip.rereadable:
        return clip.frames(read.start, read.end).info
    info = clip.frames(None, read.end).info
    return replace(info, frames=0) if read.start else info


def _with_encoder(settings: ProcessSettings, output: Path, clip: ClipInfo) -> ProcessSettings:
    """Name the encoder and pixel format that the output's name and the clip's format ask for."""
    encode = with_encoder(settings.write.encode, output, clip.format)
    return replace(settings, write=replace(settings.write, encode=encode))


def _with_crop(settings: ProcessSettings, area: Area) -> ProcessSettings:
    """Name the crop that was found, if one was asked for."""
    if settings.prepare.crop is None:
        return settings
    crop = (area.width, area.height, area.x, area.y)
    return replace(settings, prepare=replace(settings.prepare, crop=crop))


_NOT_TOLD = frozenset(
    {
        *("device", "model", "model_path", "ffmpeg", "allow_filter_files"),
        *("overwrite", "provenance", "report", "segments", "keep", "workers"),
    }
)
"""Options that do not change what is written, are said otherwise, or name files of this machine."""


def _provenance(settings: ProcessSettings, still: Fraction | None, model: ModelFile) -> str:
    """Say in one line what makes an output: enough to make it again.

    It has no time and no place, so that the same run gives the same bytes.
    """
    if not settings.write.provenance:
        return ""
    if still is not None:
        read = replace(settings.read, start=None, end=None, still=still)
        settings = replace(settings, read=read)
    hidden = {"pre_filter", "post_filter"} if settings.prepare.allow_filter_files else set()
    flags = as_flags(settings, without=_NOT_TOLD | hidden)
    program = f"vs-gendrpix {version('vs-gendrpix')}"
    return f"{program}, model {model.name} sha256:{model.sha256}, {flags}"


def usual_model(device: str) -> str:
    """Name the built-in model that `auto` stands for on a device.

    Args:
        device: What `--device` says; of several the first counts.

    Raises:
        DeviceError: There is no such device.
    """
    # torch takes seconds to load: only once the clip is known to be good.
    from vs_gendrpix.models.devices import pick_devices  # noqa: PLC0415
    from vs_gendrpix.models.gendrpix.files import default_model  # noqa: PLC0415

    return default_model(pick_devices(device)[0])


def _with_model(settings: RestoreSettings, *, elsewhere: bool) -> tuple[RestoreSettings, ModelFile]:
    """Name the model with its detail, and the arithmetic that fit the device."""
    # torch takes seconds to load: only once input, output and encoder are known to be good.
    from vs_gendrpix.models.devices import DTYPES, pick_devices, pick_dtype  # noqa: PLC0415
    from vs_gendrpix.models.gendrpix.files import default_model  # noqa: PLC0415
    from vs_gendrpix.models.opening import check_restorer  # noqa: PLC0415

    devices = pick_devices(settings.device, elsewhere=elsewhere)
    name = default_model(devices[0]) if settings.model == "auto" else settings.model
    # Checked before a file of any size is digested.
    able = check_restorer(find_model(settings.model_path or name))
    model = ModelFile.of(settings.model_path or name)
    dtype = settings.dtype
    if dtype not in {"auto", *able}:
        raise SettingsError(
            f"the model {model.name} is not known to be good in {dtype}: use one of "
            f"{', '.join(sorted(able))}"
        )
    if dtype == "auto":  # so that every device computes the same
        native = {pick_dtype("auto", device) for device in devices}
        dtype = "bf16" if native == {DTYPES["bf16"]} and "bf16" in able else "fp32"
    detail = with_detail(model_card(model.path), settings.detail).detail
    return replace(settings, model=name, dtype=dtype, detail=detail), model
