"""Properties of a video that are written without PyAV, which cannot give them to the muxer."""

from pathlib import Path

from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.write.isobmff import immersive_boxes, write_boxes
from vs_gendrpix.write.matroska import VIEWS, DisplaySize, projection_element, write_video

_ISOBMFF = {"mp4", "mov"}


class Description:
    """The views, the projection and the size at which a video is shown.

    What the muxer is not told is put into the finished file. More bytes would move all that lies
    behind them, so the track's name is written longer, and is cut to what it is at the end.

    Args:
        form: FFmpeg's name of the muxer.
        clip: The video.
    """

    def __init__(self, form: str, clip: ClipInfo) -> None:
        self._form, self._clip = form, clip
        self._added = b""
        if form == "matroska" and clip.projection is not None:
            self._added = projection_element(clip.projection)
        elif form in _ISOBMFF:
            self._added = immersive_boxes(clip)
        self._tags: dict[str, str] = {}
        self._title = ""

    def make_room(self, tags: dict[str, str]) -> None:
        """Set tags of the video's stream that reserve space for the description, before the header.

        Args:
            tags: The tags.
        """
        self._tags, self._title = tags, tags.get("title", "")
        if self._form == "matroska" and self._clip.views:
            tags["stereo_mode"] = self._clip.views
        if self._added:
            tags["title"] = self._title + " " * len(self._added)

    def complete(self, path: Path) -> None:
        """Write the description of the video into the finished file.

        Args:
            path: The file.

        Raises:
            OSError: It cannot be read or written.
        """
        form, ratio = self._clip.format, self._clip.sample_aspect_ratio
        if self._form in _ISOBMFF and self._added:
            write_boxes(path, self._added)
        if self._form == "matroska" and (ratio != 1 or self._added):
            across, down = VIEWS.get(self._tags.get("stereo_mode", ""), (1, 1))
            size = DisplaySize.of(form.width // across, form.height // down, ratio)
            write_video(path, None if ratio == 1 else size, self._added, self._title)
