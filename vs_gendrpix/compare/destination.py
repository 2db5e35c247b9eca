"""Where a page goes: its file, and a folder beside it for pictures that are too large for it."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self
from urllib.parse import quote

from vs_gendrpix.compare.pictures import data_uri
from vs_gendrpix.errors import SettingsError, cancellation
from vs_gendrpix.frame.sequence import Names
from vs_gendrpix.write.output import OutputFile, OutputFolder, output_fault

SUFFIXES = (".html", ".htm")


class Destination:
    """The page that appears with its pictures when it is whole.

    A context manager. Entering it proves that the page can be written.

    Args:
        output: The page.
        sources: What is shown, none of which may be written over.
        overwrite: Whether an existing page and its pictures may be replaced.

    Raises:
        SettingsError: The page has another extension than HTML has.
        OutputError: It exists, or cannot be written.
    """

    def __init__(self, output: Path, sources: list[Path], *, overwrite: bool) -> None:
        if output.suffix.lower() not in SUFFIXES:
            raise SettingsError(f"the page {output} is HTML: let its name end in .html")
        self._output = output
        self._beside = output.with_name(f"{output.stem}_files")  # as browsers name it
        names = Names(folder=self._beside, prefix="", digits=6, suffix=".png")
        for path in sources:
            self._file = OutputFile(output, source=path, overwrite=overwrite)
            self._folder = OutputFolder(names, source=path, overwrite=overwrite)
        self._holds_folder = False
        self._sizes: list[int] = []

    def __enter__(self) -> Self:
        self._opened = ExitStack()
        self._opened.enter_context(self._file)
        return self

    def __exit__(self, *ended: object) -> None:
        self._opened.close()

    def use_folder(self) -> None:
        """Write the pictures that follow to the folder."""
        self._opened.enter_context(self._folder)
        self._holds_folder = True

    def address(self, content: bytes, number: int) -> str:
        """The address in the page of a picture, a PNG file, that is kept under a number."""
        if not self._holds_folder:
            return data_uri(content, "png")
        path = self._folder.part / f"{number:06}.png"
        try:
            path.write_bytes(content)
        except OSError as error:
            what = f"cannot write the pictures of {self._output}"
            raise output_fault(error, what) from error
        self._sizes.append(len(content))
        return f"{quote(self._beside.name)}/{path.name}"

    def publish(self, text: str) -> None:
        """Write the page, and give it and its folder their names."""
        try:
            self._file.part.write_text(text, encoding="utf-8")
        except OSError as error:
            raise output_fault(error, f"cannot write {self._output}") from error
        self._file.sync()
        if self._holds_folder:
            self._folder.sync()
            self._folder.publish()
            cancellation.go_on()
        self._file.publish()

    def contents(self) -> str:
        """What was published, in words: the page, and the folder that travels with it."""
        if not self._holds_folder:
            return f"{self._output}, of {in_bytes(self._output.stat().st_size)}"
        pictures = f"{len(self._sizes)} pictures of {in_bytes(sum(self._sizes))}"
        return f"{self._output}, with {pictures} in {self._beside.name}"


def in_bytes(size: float) -> str:
    """Bytes in words, such as `31.4 MB`."""
    for unit, least in (("GB", 1e9), ("MB", 1e6)):
        if size >= least:
            return f"{size / least:.3g} {unit}"
    return f"{max(size / 1e3, 1):.0f} kB"
