"""Settings of finishing and writing restored frames."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from vs_gendrpix.settings import parsing
from vs_gendrpix.settings.option import check, option

OutColor = Literal["keep", "bt709", "bt2020"]
Compare = Literal["none", "side", "wipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishSettings:
    """Settings of finishing frames: filter, bars and colour, after they are restored."""

    post_filter: str | None = option(
        None,
        "filter after restoring: a preset or a graph, such as `noise=c0s=6:c0f=t`",
        "--post-filter",
        metavar="GRAPH",
    )
    keep_bars: bool = option(
        False, "put the restored part of a crop back between black bars", "--keep-bars"
    )
    out_color: OutColor = option(
        "keep",
        "`keep` the source's matrix and primaries, or convert them: `bt709` for SD that becomes "
        "HD, since players that ignore tags take HD for BT.709; `bt2020`",
        "--out-color",
        name="output colour",
    )

    compare: Compare = option(
        "none",
        "show the source too, to compare: left of a line in the middle of the picture (`side`), or "
        "of one that moves (`wipe`)",
        "--compare",
        name="way to compare",
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def standard(self) -> int | None:
        """Number, in ITU-T H.273, of the matrix and primaries to convert to; None keeps them."""
        return {"keep": None, "bt709": 1, "bt2020": 9}[self.out_color]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """Settings of the video encoder."""

    encoder: str = option(
        "auto",
        "FFmpeg's name of a video encoder",
        "-c",
        "--encoder",
        metavar="NAME",
        default_text="the usual one for the output's extension",
    )
    crf: float | None = option(
        None,
        "constant rate factor of the encoder: less is finer",
        "--crf",
        metavar="N",
        parse=float,
        default_text="the profile's; of an encoder that is named, its own",
    )
    preset: str | None = option(
        None,
        "speed preset of the encoder",
        "--preset",
        metavar="NAME",
        default_text="the profile's; of an encoder that is named, its own",
    )
    pix_fmt: str = option(
        "auto",
        "FFmpeg's name of the pixel format; `source` is the nearest to the source's that the "
        "encoder takes, with 10 bits at least",
        "--pix-fmt",
        metavar="NAME",
        default_text="the profile's, or yuv420p10le where the encoder takes it; yuv420p of 8 bits "
        "with libx264",
    )
    options: tuple[tuple[str, str], ...] = option(
        (),
        "private option of the encoder; may be given again",
        "-e",
        "--encoder-opt",
        metavar="KEY=VALUE",
        parse=parsing.key_value,
        repeated=True,
    )

    def __post_init__(self) -> None:
        check(self)

    def over(self, profile: Self) -> Self:
        """Fill unset settings with the values of a profile.

        Args:
            profile: Settings with an encoder.

        Returns:
            The profile's encoder with the combined settings; the profile's options come first.
        """
        return replace(
            profile,
            pix_fmt=profile.pix_fmt if self.pix_fmt == "auto" else self.pix_fmt,
            crf=profile.crf if self.crf is None else self.crf,
            preset=self.preset or profile.preset,
            options=profile.options + self.options,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """The streams that are carried over beside the picture."""

    audio: bool = option(True, "all sound", "--no-audio", flag_text="leave out sound")
    subtitles: bool = option(True, "all subtitles", "--no-subs", flag_text="leave out subtitles")
    chapters: bool = option(True, "the chapters", "--no-chapters", flag_text="leave out chapters")
    attachments: bool = option(
        True,
        "fonts, other attached files and covers",
        "--no-attachments",
        flag_text="leave out fonts, other attached files and covers",
    )
    # Without languages and default marks a player would choose the wrong streams.
    metadata: bool = option(
        True,
        "tags of the file and of its streams; languages and default marks are kept anyway",
        "--no-metadata",
        flag_text="leave out tags of the file and its streams, but not their languages",
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSettings:
    """Settings of writing: encoder, streams, output and report."""

    encode: EncodeSettings = EncodeSettings()
    streams: StreamSettings = StreamSettings()
    overwrite: bool = option(
        False, "replace an existing output, once the new one is whole", "-y", "--overwrite"
    )
    timecode: str | None = option(
        None,
        "timecode of the output's first frame, such as 01:00:00:00, or 01:00:00;00 for drop-frame",
        "--timecode",
        metavar="T",
        parse=parsing.timecode,
        default_text="the input's, if it has one",
    )
    provenance: bool = option(
        True,
        "say in the output what has made it: program, version, model and settings",
        "--no-provenance",
        flag_text="do not say in the output what has made it: program, version, model and settings",
    )
    report: Path | None = option(
        None,
        "write a report of the run as JSON: streams, settings, model, warnings, damage, timing",
        "--report",
        flag_text="write a report of the run as JSON: streams, settings, model, warnings, damage, "
        "timing; for several clips a folder, with a report of each",
        metavar="FILE",
        parse=Path,
    )

    def __post_init__(self) -> None:
        check(self)
        if self.timecode is not None:
            parsing.timecode(self.timecode)
