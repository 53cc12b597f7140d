"""Tables in Markdown files that tests write, and compare with what they find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Table:
    """A table between two marks of a file.

    Attributes
    ----------
    file
        Holds it.
    name
        Name of the table; several tables of one file need different names.
    heads
        Of its columns.
    align
        How Markdown writes on which side each stands.
    target
        Target of the Makefile that writes it; the table's name if it is empty.
    """

    file: Path
    name: str
    heads: Sequence[str]
    align: Sequence[str]
    target: str = ""

    @property
    def _begin(self) -> str:
        return f"<!-- {self.name}: written by `make {self.target or self.name}` -->\n"

    _end = "<!-- end -->\n"

    def read(self) -> list[str]:
        """Read the rows that are written."""
        text = self.file.read_text(encoding="utf-8")
        table = text.partition(self._begin)[2].partition(self._end)[0]
        return [line for line in table.splitlines() if line][2:]

    def write(self, rows: Iterable[str]) -> None:
        """Write the table anew."""
        before, begin, rest = self.file.read_text(encoding="utf-8").partition(self._begin)
        after = rest.partition(self._end)[2]
        table = "\n".join([row(self.heads), row(self.align), *rows])
        self.file.write_text(f"{before}{begin}\n{table}\n\n{self._end}{after}", encoding="utf-8")


def row(cells: Iterable[object]) -> str:
    """Write a row."""
    return f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in cells)} |"
