"""Reading a product feed: a YML or XML file, of any size, for the regions that it names.

Regions are the ids of `<stock id="...">` inside offers, and of `<location id="..." name="...">`
of the shop (contracts/tracker/SPEC.md sections 1.7 and 2.8). The file is read piece by piece.

Invariants: nothing that a file declares is expanded or fetched: a document type that declares
entities is refused; what is held in memory is the regions alone.
"""

from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from habitue.model.errors import Fault, InvalidInput
from habitue.model.limits import NAME_LENGTH_MAX, STOCK_LENGTH_MAX
from habitue.usecases.import_feed import Feed, Region

_PIECE_BYTES = 256 * 1024
_DEPTH_MAX = 100
REGIONS_MAX = 100_000


class _Reader:
    """What is gathered while the file is read."""

    def __init__(self) -> None:
        self.regions: dict[str, Region] = {}
        self.offers = 0
        self.skipped = 0
        self._path: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._declared
        self._parser.ExternalEntityRefHandler = self._foreign
        self._parser.buffer_text = True

    def read(self, file: BinaryIO) -> Feed:
        """The feed. Raises `InvalidInput`."""
        try:
            while piece := file.read(_PIECE_BYTES):
                self._parser.Parse(piece, False)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            message = expat.ErrorString(error.code)
            raise _refused(f"line {error.lineno}: {message}") from None
        return Feed(tuple(self.regions.values()), self.offers, self.skipped)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2].lower()
        self._path.append(name)
        if len(self._path) > _DEPTH_MAX:
            raise _refused(f"line {self._line}: nested deeper than {_DEPTH_MAX} levels")
        if len(self._path) == 1 and name not in ("yml_catalog", "torg_price", "shop", "feed"):
            raise _refused(f"<{name[:40]}> is no product feed; <yml_catalog> is")
        if name == "offer":
            self.offers += 1
        elif name in ("stock", "location") and "id" in attributes:
            self._region(name, attributes)

    def _region(self, kind: str, attributes: dict[str, str]) -> None:
        id_ = attributes["id"].strip()
        if not 0 < len(id_) <= STOCK_LENGTH_MAX:
            self.skipped += 1
            return
        known = self.regions.get(id_)
        name = attributes.get("name", "").strip()[:NAME_LENGTH_MAX]
        if known is None or (name and not known.name):
            self.regions[id_] = Region(id_, name, kind)
        if len(self.regions) > REGIONS_MAX:
            raise _refused(f"line {self._line}: more than {REGIONS_MAX} regions")

    def _end(self, name: str) -> None:
        self._path.pop()

    def _declared(self, *declaration: object) -> None:
        raise _refused(f"line {self._line}: entities are not declared in a feed")

    def _foreign(self, *reference: object) -> int:
        raise _refused(f"line {self._line}: a feed does not refer to other files")

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber


def read_feed(path: Path) -> Feed:
    """The regions of a feed. Raises `InvalidInput` with what is wrong, and where."""
    try:
        with path.open("rb") as file:
            return _Reader().read(file)
    except OSError as error:
        raise _refused(f"{path}: {error.strerror}") from None


def _refused(details: str) -> InvalidInput:
    return InvalidInput(Fault("", "Invalid", details), message=details)
