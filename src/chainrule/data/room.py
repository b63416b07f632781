"""How much of the disk temporary files may fill, so that no query and no pipe fills it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

SHARE = 0.5  # of what is free
MORE = "let the environment variable TMPDIR name a folder on a larger disk."


def room(folder: str | Path) -> int:
    """Return how many bytes of temporary files may stand in a folder."""
    return int(SHARE * shutil.disk_usage(folder).free)


def where() -> str:
    """Name the room, for a message."""
    return f"{SHARE:.0%} of the free disk under {tempfile.gettempdir()}"
