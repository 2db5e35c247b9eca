"""The frames that come out of a job: their size, format and pixel aspect ratio."""

from dataclasses import replace

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import usual_matrix
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.target import target_format
from vs_gendrpix.libav.pixels import encoder_layout
from vs_gendrpix.settings import ProcessSettings
from vs_gendrpix.write.encoding.color_tags import color_tags


def restored_clip(source: ClipInfo, settings: ProcessSettings) -> ClipInfo:
    """Describe the frames that a clip becomes: their size, format and pixel aspect ratio.

    Raises:
        SettingsError: The size or the pixel format is not possible, or left open.
    """
    form, restore, encode = source.format, settings.restore, settings.write.encode
    layout = encoder_layout(encode.pix_fmt)
    size = restore.output_size(form.width, form.height, layout.chroma_step)
    target = target_format(
        form, layout, size, tags=color_tags(encode), standard=settings.finish.standard
    )
    aspect = source.sample_aspect_ratio * restore.aspect_change((form.width, form.height), size)
    return replace(source, format=target, sample_aspect_ratio=aspect.limit_denominator(255))


def framed_clip(source: ClipInfo, settings: ProcessSettings, area: Area) -> tuple[ClipInfo, Area]:
    """Describe the restored frames with the bars that are put back, if any are.

    Args:
        source: The frames before they are restored.
        settings: What is asked for.
        area: The part of them that is restored.

    Returns:
        The clip, and the part of its frames that the restored area fills.
    """
    if settings.finish.keep_bars:
        clip = restored_clip(source, settings)
        return clip, area.scaled(source.format, clip.format)
    clip = restored_clip(replace(source, format=area.of(source.format)), settings)
    return clip, Area.whole(clip.format)


def refuse_other_sizes(*filtered: tuple[ClipInfo, ClipInfo]) -> None:
    """Refuse to show the source beside results that filters have cut or scaled.

    Args:
        filtered: Frames before and after filters.

    Raises:
        SettingsError: Nobody knows which part of the source such a result shows.
    """
    for before, after in filtered:
        was, now = before.format, after.format
        if (was.width, was.height) != (now.width, now.height):
            raise SettingsError(
                f"a filter makes {now.width}x{now.height} of {was.width}x{was.height} pixels, "
                "beside which the source has no place: crop with --crop, or give no --compare"
            )


def tell_what_changes(
    source: ClipInfo, result: ClipInfo, settings: ProcessSettings, notes: Notes
) -> None:
    """Report a dropped alpha channel, and colours that players may misread."""
    was, now = source.format, result.format
    if was.layout.alpha and not now.layout.alpha:
        pix_fmt = settings.write.encode.pix_fmt
        notes.warn(f"the alpha channel is dropped: {pix_fmt} has none")
    taken_for = usual_matrix(now.height)
    if taken_for == 1 != usual_matrix(was.height) and now.color.matrix in {5, 6}:
        notes.inform(
            "an HD picture with the colour of SD, as its tags say: --out-color bt709 is for "
            "players that do not read them"
        )
