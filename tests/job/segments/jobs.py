"""What the tests of jobs do to a job's folder."""

from dataclasses import replace

import av

from vs_gendrpix.job.segments.folder import PLAN
from vs_gendrpix.settings.values import to_json


def break_segment(folder, number):
    """Let a segment of a plan be of a clip with larger pictures, so that it fails every time."""
    job = folder.plan()
    segments = list(job.segments)
    span = segments[number].span
    span = replace(span, first=replace(span.first, width=2 * span.first.width))
    segments[number] = replace(segments[number], span=span)
    (folder.path / PLAN).write_text(to_json(replace(job, segments=tuple(segments))))


def frames_of(path):
    """The times and the pixels of a video's frames."""
    with av.open(str(path)) as opened:
        return [
            (frame.pts * frame.time_base, frame.to_ndarray().copy())
            for frame in opened.decode(video=0)
        ]
