"""Whether the settings allow a clip's grading."""

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import HDR_TRANSFERS
from vs_gendrpix.settings import ProcessSettings


def check_hdr(clip: ClipInfo, settings: ProcessSettings) -> str:
    """Refuse what the settings do not allow; say what is left out, in words, if anything is.

    Raises:
        MediaError: The clip is HDR, but that is an error; or it has metadata of single frames,
            which may not be dropped.
    """
    kind = HDR_TRANSFERS.get(clip.format.color.transfer)
    if settings.read.hdr == "error" and kind:
        raise MediaError(f"the input is HDR ({kind}), which --hdr error refuses")
    if clip.hdr.dolby_vision_alone:
        raise MediaError(
            "the input is Dolby Vision alone (profile 5), in colours that only its decoders know: "
            "convert it to HDR10 first"
        )
    names = " and ".join(clip.hdr.dynamic)
    if names and not settings.read.drop_dynamic_hdr:
        raise MediaError(
            f"the input has {names} data for single frames, which would be lost: "
            "--drop-dynamic-hdr leaves it out and keeps the rest"
        )
    lost = [f"{names} data"] if names else []
    if clip.hdr.half_mastering:
        lost.append("HDR mastering data, of which the primaries or the luminance are missing")
    return ", ".join(lost)
