"""What the tests of jobs do to a job's folder."""

from dataclasses import replace
from fractions import Fraction

import av

from vs_gendrpix.segments.folder import PLAN


def break_segment(folder, number):
    """Let a segment of a plan begin behind the end of its clip, so that it fails every time."""
    job = folder.plan()
    segments = list(job.segments)
    span = segments[number].span
    span = replace(span, read=replace(span.read, start=Fraction(99), end=None))
    segments[number] = replace(segments[number], span=span)
    (folder.path / PLAN).write_text(replace(job, segments=tuple(segments)).to_json())


def frames_of(path):
    """The times and the pixels of a video's frames."""
    with av.open(str(path)) as opened:
        return [
            (frame.pts * frame.time_base, frame.to_ndarray().copy())
            for frame in opened.decode(video=0)
        ]
