"""Properties of colour that the files of each encoder can state to their readers."""

from vs_gendrpix.frame.format import ChromaLocation
from vs_gendrpix.frame.target import OutputTags
from vs_gendrpix.libav.pixels import encoder_layout
from vs_gendrpix.settings import EncodeSettings

_STATE_RANGE = {
    "libx264",
    "libx265",
    "libsvtav1",
    "ffv1",
    "libvpx-vp9",
    "rawvideo",
    "wrapped_avframe",
} | {f"{codec}_nvenc" for codec in ("h264", "hevc", "av1")}
"""Encoders whose stream or container states the full range of YUV. ProRes is not one."""

_SITINGS: dict[str, tuple[ChromaLocation, ...]] = {
    "libx264": ("left", "topleft"),
    "libx265": ("left", "topleft"),
    "libsvtav1": ("left", "topleft"),
    "ffv1": ("left", "topleft"),
    "mjpeg": ("center",),  # which decoders take, whatever the container states
    "mpeg1video": ("center",),
}
"""Chroma sitings that an encoder's files may have, the assumed one first. Files of all other
encoders state none, and players take chroma to lie left."""


def color_tags(encode: EncodeSettings) -> OutputTags:
    """The properties of colour that an encoder's files can state, in every container we write.

    Args:
        encode: Settings with a known encoder and pixel format.

    Raises:
        SettingsError: There is no such pixel format, or we cannot fill it.
    """
    layout = encoder_layout(encode.pix_fmt)
    sitings = _SITINGS.get(encode.encoder, ("left",))
    if encode.pix_fmt.startswith("yuvj"):
        full_range: bool | None = True
    elif encode.encoder in _STATE_RANGE:
        full_range = None
    else:
        full_range = layout.family == "gray"
    return OutputTags(full_range=full_range, chroma_locations=sitings, linear_floats=True)
