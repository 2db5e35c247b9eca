"""Side data of single pictures that `Frame` does not hold, by names for the user."""

from collections.abc import Iterable

from av.sidedata.sidedata import Type

_NAMES = {
    Type.AFD: "active format descriptions",
    Type.ICC_PROFILE: "ICC profiles of single pictures",
    Type.EXIF: "EXIF data",
    Type.LCEVC: "an enhancement layer (LCEVC)",
    Type.REGIONS_OF_INTEREST: "regions of interest",
    Type.DETECTION_BBOXES: "boxes of detected objects",
}


def lost_data(kinds: Iterable[Type], codec: str) -> list[str]:
    """Name the side data of a decoded picture that is not carried over.

    Orientation, grading, captions, stereoscopy and timecodes are kept or named elsewhere; film
    grain has been laid over the picture, and unregistered messages are encoders' names of
    themselves. All tags of a TIFF are EXIF for libav, also those that every TIFF has for its
    samples.
    """
    told = _NAMES.keys() - ({Type.EXIF} if codec == "tiff" else set())
    return [_NAMES[kind] for kind in kinds if kind in told]
