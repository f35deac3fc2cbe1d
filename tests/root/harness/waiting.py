# SPDX-License-Identifier: Apache-2.0
"""Waiting for something to become true: the only way in which a test may let time pass."""
import time

INTERVAL = 0.02


def wait_for(condition, deadline, what):
    """Polls `condition` until it returns something true, and returns that.

    Fails after `deadline` seconds; `what` completes "waited N s for …". An AssertionError inside
    `condition` means "not yet", and the last one is told.
    """
    end = time.monotonic() + deadline
    while True:
        last = ""
        try:
            value = condition()
            if value:
                return value
        except AssertionError as error:
            last = f": {error}"
        if time.monotonic() >= end:
            raise AssertionError(f"waited {deadline} s for {what}{last}")
        time.sleep(INTERVAL)
