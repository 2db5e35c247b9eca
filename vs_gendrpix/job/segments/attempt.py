"""The output of one try at a segment: a file, or a folder of pictures, in the job's folder."""

from dataclasses import replace
from pathlib import Path

from vs_gendrpix.frame.sequence import Names
from vs_gendrpix.job.plan import Plan
from vs_gendrpix.job.segments.folder import JobFolder
from vs_gendrpix.write.output import OutputFile, OutputFolder, output_fault
from vs_gendrpix.write.publishing import link, sync_names


class _SegmentFile(OutputFile):
    """The file of a segment. Naming it does not commit the job's result."""

    def publish(self) -> None:
        """Give the file its name."""
        _publish(self.part, self.path)


class _SegmentFolder(OutputFolder):
    """The pictures of a segment."""

    def publish(self) -> None:
        """Give the folder its name."""
        _publish(self.part, self.path)


def _publish(part: Path, path: Path) -> None:
    try:
        if part.is_dir():
            part.rename(path)
        else:
            link(part, path)
    except OSError as error:
        raise output_fault(error, f"cannot write {path}") from error
    sync_names(path.parent)


def attempt(folder: JobFolder, plan: Plan, number: int) -> _SegmentFile | _SegmentFolder:
    """Make the output of a segment in the job's folder: a file, or a folder of pictures."""
    names = Names.of(plan.output)
    if names is not None:
        path = folder.attempt(number, "")
        return _SegmentFolder(replace(names, folder=path), source=plan.source, overwrite=False)
    path = folder.attempt(number, plan.output.suffix.lower())
    return _SegmentFile(path, source=plan.source, overwrite=False)
