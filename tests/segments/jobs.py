"""What the tests of jobs do to a job's folder."""

from dataclasses import replace
from fractions import Fraction

from vs_gendrpix.segments.folder import PLAN


def break_segment(folder, number):
    """Let a segment of a plan begin behind the end of its clip, so that it fails every time."""
    job = folder.plan()
    segments = list(job.segments)
    span = segments[number].span
    span = replace(span, read=replace(span.read, start=Fraction(99), end=None))
    segments[number] = replace(segments[number], span=span)
    (folder.path / PLAN).write_text(replace(job, segments=tuple(segments)).to_json())
