"""Check whether an HDR clip may be restored, and name the HDR metadata that is left out."""

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.format import HDR_TRANSFERS
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.settings import ReadSettings


def check_hdr(clip: ClipInfo, settings: ReadSettings, notes: Notes) -> None:
    """Refuse HDR that the settings do not allow, and warn of HDR metadata that is left out.

    Raises:
        MediaError: The clip is HDR, but that is an error; or it has metadata of single frames,
            which may not be dropped.
    """
    kind = HDR_TRANSFERS.get(clip.format.color.transfer)
    if settings.hdr == "error" and kind:
        raise MediaError(f"the input is HDR ({kind}), which --hdr error refuses")
    if clip.hdr.dolby_vision_alone:
        raise MediaError(
            "the input is Dolby Vision alone (profile 5), in colours that only its decoders know: "
            "convert it to HDR10 first"
        )
    names = " and ".join(clip.hdr.dynamic)
    if names and not settings.drop_dynamic_hdr:
        raise MediaError(
            f"the input has {names} data for single frames, which would be lost: "
            "--drop-dynamic-hdr leaves it out and keeps the rest"
        )
    lost = [f"{names} data"] if names else []
    if clip.hdr.half_mastering:
        lost.append("HDR mastering data, of which the primaries or the luminance are missing")
    if lost:
        notes.warn(f"not carried over: {', '.join(lost)}")
