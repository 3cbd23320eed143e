"""Files that are written whole, or not at all."""

import os
import threading
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path):
    """A path beside `path` to write to, put in its place once the block has ended well.

    A writer that is killed leaves ``.NAME.part-...`` behind, and `path` as it was.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        yield path  # a pipe or a device has no beside; a folder is refused where it is opened
        return
    made = path.with_name(f".{path.name}.part-{os.getpid()}-{threading.get_ident()}")
    try:
        yield made
        os.replace(made, path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def umask():
    """The permissions that new files and folders go without."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
