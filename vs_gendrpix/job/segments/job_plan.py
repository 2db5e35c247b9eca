"""The plan of a job in segments: a value that all its workers share."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, Self

from vs_gendrpix.frame.sequence import find_sequence
from vs_gendrpix.job.plan import Plan
from vs_gendrpix.job.segments import cutting
from vs_gendrpix.job.segments.cutting import Segment, cut
from vs_gendrpix.libav.values import libav_versions
from vs_gendrpix.read.state import InputState
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.settings.values import to_json

FORMAT = 1
"""Version of a job folder. It rises when older folders cannot be continued."""

HEARTBEAT = 10.0
"""Seconds between two signs of life of a worker."""

_PACKAGES = ("vs-gendrpix", "torch", "av")
_DIGESTED = 1 << 20

_MAY_DIFFER = frozenset(
    {
        *("format", "heartbeat", "segments"),
        *("plan.warnings", "plan.informed", "plan.decided", "plan.settings.restore.device"),
        *("plan.model.path", "plan.provenance"),
        *("plan.settings.write.overwrite", "plan.settings.write.report"),
        "plan.settings.job",
    }
)
"""Parts of a job's plan that do not change its frames, or that follow from other parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Size, time and partial digest of an input, to notice that it was replaced.

    Attributes:
        state: Number, size and time of its files.
        ends: Digest of the first and the last mebibyte of its first file, in hexadecimal digits.
    """

    state: InputState
    ends: str

    @classmethod
    def of(cls, plan: Plan) -> Self | None:
        """Look at the input of a plan; None if it is not there."""
        state = InputState.of(plan.source, plan.settings.read)
        if state is None:
            return None
        pictures = find_sequence(plan.source, plan.settings.read.start_number)
        path = plan.source if pictures is None else pictures.names.path(pictures.first)
        try:
            with path.open("rb") as file:
                digest = hashlib.sha256(file.read(_DIGESTED))
                length = file.seek(0, os.SEEK_END)
                file.seek(max(length - _DIGESTED, 0))
                digest.update(file.read())
        except OSError:
            return None
        return cls(state=state, ends=digest.hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """A job in segments.

    Attributes:
        format: `FORMAT`.
        plan: What is done, with absolute paths, and with the encoder's threads where its result
            depends on them.
        source: The input.
        versions: Names and versions of what computes, decodes and encodes.
        heartbeat: Seconds between two signs of life of a worker.
        segments: All segments, in order.
    """

    format: int
    plan: Plan
    source: Identity
    versions: tuple[tuple[str, str], ...]
    heartbeat: float
    segments: tuple[Segment, ...]

    @classmethod
    def of(cls, plan: Plan) -> tuple[Self | None, str]:
        """Cut a plan into segments.

        Returns:
            The job, and an empty text; or None, and why it must be one piece, if a user would
            wonder.

        Raises:
            MediaError: The input cannot be read.
        """
        segments, why_not = cut(plan, cutting.LENGTH)
        source = Identity.of(plan) if segments else None
        if source is None:
            return None, why_not
        write = plan.settings.write
        write = replace(write, encode=_with_threads(write.encode))
        plan = replace(
            plan,
            source=plan.source.absolute(),
            output=plan.output.absolute(),
            settings=replace(plan.settings, write=write),
        )
        return cls(
            format=FORMAT,
            plan=plan,
            source=source,
            versions=present_versions(),
            heartbeat=HEARTBEAT,
            segments=segments,
        ), ""


def present_versions() -> tuple[tuple[str, str], ...]:
    """List names and versions of the libraries here that compute, decode and encode."""
    ours = {name: version(name) for name in _PACKAGES}
    return tuple(sorted((ours | libav_versions()).items()))


def differences(old: JobPlan, new: JobPlan) -> list[str]:
    """List in words the differences of two plans that may change the frames."""
    was, now = (dict(_leaves(json.loads(to_json(each)))) for each in (old, new))
    return [
        f"{_shown(name)} was {was.get(name)}, and is {now.get(name)}"
        for name in (was | now)
        if was.get(name) != now.get(name) and not _may_differ(name)
    ]


def _shown(name: str) -> str:
    return name.removeprefix("plan.").replace("_", " ")


def _may_differ(name: str) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in _MAY_DIFFER)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON
    """The values of a tree of tables, each with the names on the way to it."""
    if name == "versions":
        yield from ((f"the version of {library}", number) for library, number in value)
    elif name == "plan.model.sha256":
        yield "the digest of the model", value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{name}.{key}" if name else key)
    else:
        yield name, value


def _with_threads(settings: EncodeSettings) -> EncodeSettings:
    """Fix the number of threads of an encoder whose result depends on it, at its own default."""
    if settings.encoder != "libx264" or "threads" in dict(settings.options):
        return settings
    threads = max(1, min((os.cpu_count() or 1) * 3 // 2, 128))
    return replace(settings, options=(*settings.options, ("threads", str(threads))))
