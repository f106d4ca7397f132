"""Waiting for a condition, with a deadline that only a defect reaches."""

import select
import time

# Long enough for a sanitizer build on a loaded machine: no test that passes ever waits for it.
WAIT_SECONDS = 30
POLL_SECONDS = 0.005


def wait_until(condition, what, seconds=WAIT_SECONDS):
    """Returns the first true value of condition(); fails, naming `what`, when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        select.select([], [], [], POLL_SECONDS)
