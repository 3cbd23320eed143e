"""Lines of a file that grows, through rotations; and of standard input.

A source gives lines as bytes with their numbers in the file, from 1. What it has given so far is a
*place*, from which another source goes on.
"""

import hashlib
import os
import queue
import re
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

CHUNK = 2**20  # bytes read at a time
HEAD = 1024  # bytes at the beginning by which a file is known again
_ROTATED = re.compile(r"[-._]\d[-._:\dTZ]*")  # what a rotation adds to a name: .1, -20261121


@dataclass
class Place:
    """Which file is being read, and how far it has been."""

    inode: int
    device: int
    offset: int = 0
    line: int = 0
    modified: int = 0
    head: str = ""
    head_length: int = 0
    done: list = field(default_factory=list)
    """Inode and head of the files read before."""


class Log:
    """A file that is written to, renamed and made anew, or copied and emptied.

    A line counts when its end has been written. A file that has been renamed is read until nothing
    more comes, then the one that took its name; so is a copy of what was read, before the file that
    was emptied. What stands at the end of such a file without an end of line is a line.
    """

    def __init__(self, path: Path, say, place: dict | None = None):
        self.path, self._say = path, say
        self.has_ended = False
        self._file, self._place, self._partial = None, None, b""
        self._is_leaving = self._waits = False
        if place is not None:
            self._resume(Place(**place))
        if self._file is None:
            self._begin(self.path, self._place)

    @property
    def place(self) -> dict | None:
        """Where it is, as plain values; None before the first file."""
        return None if self._place is None else asdict(self._place)

    def read(self) -> list[tuple[str, int, bytes]]:
        """Lines that have been written since: name of the file, number, and the line itself."""
        if self._file is None and not self._begin(self.path, self._place):
            return []
        if self._was_emptied():
            if (copy := self._copy()) is None:
                return self._leave(self._after_whole_copy() or self.path)
            before = self._place
            self._file.close()
            self._begin(copy, before)
            self._go_on(before.offset, before.line)
        chunk = self._file.read(CHUNK)
        if chunk:
            self._is_leaving = False
            self._partial += chunk
            *lines, self._partial = self._partial.split(b"\n")
            return [self._count(line, len(line) + 1) for line in lines]
        if self._was_renamed():
            if self._is_leaving:
                return self._leave(self._next())
            self._is_leaving = True  # whoever writes to it may not know yet: once more
        return []

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()

    def _count(self, line, length):
        place = self._place
        place.offset += length
        place.line += 1
        if place.head_length < HEAD:
            self._keep_head()
        return self._name, place.line, line

    def _begin(self, path, before):
        """Open a file; False if it is not there (yet)."""
        try:
            file = open(path, "rb", buffering=0)  # noqa: SIM115, kept open and followed
        except FileNotFoundError:
            if not self._waits:
                self._say(f"waiting for {path}")
            self._waits = True
            return False
        self._waits = False
        status = os.fstat(file.fileno())
        self._file, self._name, self._partial = file, path.name, b""
        done = before.done if before else []
        modified = status.st_mtime_ns
        self._place = Place(status.st_ino, status.st_dev, modified=modified, done=done)
        self._is_leaving = False
        return True

    def _leave(self, following):
        """Finish a file, with a last line that has no end, and begin the next one."""
        last = [self._count(self._partial, len(self._partial))] if self._partial else []
        before = self._place
        before.done = [*before.done, [before.inode, before.head, before.head_length]][-16:]
        self._file.close()
        self._file = None
        self._begin(following, before)
        return last

    def _go_on(self, offset, line):
        self._place.offset, self._place.line = offset, line
        self._file.seek(offset)
        self._keep_head()

    def _keep_head(self):
        """Know the file again by its beginning."""
        place = self._place
        place.head_length = min(place.offset, HEAD)
        place.head = self._head(self._file, place.head_length)

    @staticmethod
    def _head(file, length):
        at = file.tell()
        file.seek(0)
        head = hashlib.sha256(file.read(length)).hexdigest()
        file.seek(at)
        return head

    def _was_emptied(self):
        place, status = self._place, os.fstat(self._file.fileno())
        if status.st_size < self._file.tell():
            return True
        if status.st_mtime_ns == place.modified:
            return False
        if self._head(self._file, place.head_length) != place.head and place.head_length:
            return True
        if not self._was_renamed() and self._is_another_than(self._copy()):
            return True
        place.modified = status.st_mtime_ns
        return False

    def _is_another_than(self, copy):
        """Whether the file goes on otherwise than a copy of what was read of it."""
        if copy is None:
            return False
        at, parts = self._file.tell(), []
        with open(copy, "rb", buffering=0) as other:
            for file in (self._file, other):
                file.seek(self._place.offset)
                parts.append(file.read(CHUNK))
        self._file.seek(at)
        length = min(map(len, parts))
        return parts[0][:length] != parts[1][:length] or len(parts[0]) < len(parts[1])

    def _was_renamed(self):
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return False  # until another file takes the name, the old one may grow
        return (status.st_ino, status.st_dev) != (self._place.inode, self._place.device)

    def _rotated(self):
        """Files that were rotated away from the name, the oldest first, and their status."""
        found = []
        for entry in os.scandir(self.path.parent):
            rest = entry.name.removeprefix(self.path.name)
            if rest != entry.name and _ROTATED.fullmatch(rest) and entry.is_file():
                status = os.stat(entry.path)
                number = int(rest[1:]) if rest[1:].isdigit() and len(rest) < 5 else 0
                found.append((status.st_mtime_ns, -number, Path(entry.path), status))
        return [(path, status) for *_, path, status in sorted(found, key=lambda each: each[:2])]

    def _next(self):
        """The file that came after the one being read: one rotated since, or that of the name."""
        mine = os.fstat(self._file.fileno())
        for path, status in self._rotated():
            if status.st_ino == mine.st_ino or status.st_mtime_ns < mine.st_mtime_ns:
                continue
            if not self._is_done(path, status):
                return path
        return self.path

    def _is_done(self, path, status):
        for inode, head, length in self._place.done:
            if inode == status.st_ino and self._has_head(path, head, length):
                return True
        return False

    @classmethod
    def _has_head(cls, path, head, length):
        if not length:
            return True
        with open(path, "rb", buffering=0) as file:
            return cls._head(file, length) == head

    def _is_copy(self, path, place):
        """Whether a file begins with all that was read of another one."""
        try:
            status = os.stat(path)
            return (
                status.st_size > place.offset
                and status.st_mtime_ns >= place.modified
                and self._has_head(path, place.head, place.head_length)
            )
        except OSError:
            return False

    def _copy(self):
        """A copy of the file as it was before it was emptied."""
        for path, status in self._rotated():
            if status.st_ino == self._place.inode or self._is_done(path, status):
                continue
            if self._is_copy(path, self._place):
                return path
        return None

    def _after_whole_copy(self):
        """What was rotated after a copy of the file that holds no more than was read."""
        place, found = self._place, False
        for path, status in self._rotated():
            if status.st_ino == place.inode or self._is_done(path, status):
                continue
            if found:
                return path
            is_whole = status.st_size == place.offset and status.st_mtime_ns >= place.modified
            found = is_whole and self._has_head(path, place.head, place.head_length)
        return None

    def _resume(self, place):
        """Go on from a place: in the file of the name, one it was renamed to, or a copy of it."""
        self._place = place
        candidates = [self.path, *(path for path, _ in self._rotated())]
        if self.path.parent.is_dir():
            candidates += sorted(path for path in self.path.parent.iterdir() if path.is_file())
        found = None
        for path in candidates:
            try:
                status = os.stat(path)
            except FileNotFoundError:
                continue
            mine = (status.st_ino, status.st_dev) == (place.inode, place.device)
            if (
                mine
                and status.st_size >= place.offset
                and self._has_head(path, place.head, place.head_length)
            ):
                found = path
                break
        found = found or self._copy()
        if found is None:
            if place.offset:
                self._say(
                    f"what was read of {self.path} is no longer there; {self.path.name} is read "
                    "from its beginning"
                )
            return
        self._begin(found, place)
        self._go_on(place.offset, place.line)
        self._place.modified = place.modified


class Pipe:
    """Standard input."""

    def __init__(self):
        self.has_ended = False
        self.place = None
        self._line, self._partial = 0, b""
        self._chunks = queue.Queue(maxsize=16)
        threading.Thread(target=self._fill, daemon=True).start()

    def _fill(self):
        while chunk := os.read(sys.stdin.fileno(), 2**16):
            self._chunks.put(chunk)
        self._chunks.put(b"")

    def close(self) -> None:
        """Nothing: the input is not ours."""

    def read(self) -> list[tuple[str, int, bytes]]:
        """Lines that have come since; the last one needs no end once the input has ended."""
        try:
            chunk = self._chunks.get_nowait()
        except queue.Empty:
            return []
        if not chunk:
            self.has_ended = True
            lines = [self._partial] if self._partial else []
        else:
            *lines, self._partial = (self._partial + chunk).split(b"\n")
        out = [("standard input", self._line + k + 1, line) for k, line in enumerate(lines)]
        self._line += len(lines)
        return out
