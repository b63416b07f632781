"""What the harness says while it runs."""

from __future__ import annotations

import time

BEGAN = time.perf_counter()


def say(message: str) -> None:
    """Print a message with the seconds since the start."""
    print(f"[{time.perf_counter() - BEGAN:6.0f} s] {message}", flush=True)
