"""Wait for a condition, with a bound: the only way in which tests let time pass."""

import time


class Timeout(AssertionError):
    """A condition did not come true in time."""


def wait_for(condition, what, seconds=10.0, interval=0.02):
    """Call condition() until it returns something true, and return that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Timeout(f"waited {seconds} s for {what}")
        time.sleep(interval)
