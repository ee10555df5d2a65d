"""System calls of a broker that fail, or are its last ones, as a test orders."""

from __future__ import annotations

import mmap
import struct
import subprocess
from pathlib import Path

WRITE, FDATASYNC, FSYNC, RENAME, UNLINK, ALLOCATE, TRUNCATE = range(1, 8)  # as faults.c numbers them
KILL, TEAR, ERROR, FULL = range(1, 5)


class Faults:
    """The library of faults.c, built once, and the page on which it finds its order."""

    def __init__(self, folder: Path) -> None:
        self.library = folder / "faults.so"
        source = Path(__file__).with_name("faults.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, source], check=True)
        page = folder / "faults"
        page.write_bytes(bytes(4096))
        with page.open("r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)
        self.environment = {"LD_PRELOAD": str(self.library), "FAULTS": str(page)}

    def order(self, call: int, deed: int, after: int) -> None:
        """deed happens to the call that counts `after` down to 0. call 0: none."""
        self.page[:4] = bytes(4)
        self.page[4:16] = struct.pack("<iq", deed, after)
        self.page[:4] = struct.pack("<i", call)

    @property
    def inode(self) -> int:
        """Of the file that the call was about."""
        (inode,) = struct.unpack("<q", self.page[16:24])
        return int(inode)
