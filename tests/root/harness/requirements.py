# SPDX-License-Identifier: Apache-2.0
"""What a test needs of the host, by its mark `requires`: pytest's hook for it."""
import pytest

from harness import host


def enforce(item):
    """Skips a test that lacks something; fails it in a lane that promises what it lacks."""
    needs = [need for mark in item.iter_markers("requires") for need in mark.args]
    need = host.missing(needs)
    if need is None:
        return
    message = f"'{need}' is missing; remedy: {host.remedy(need)}"
    if need in host.promised():
        pytest.fail(f"this lane promises it, but {message}", pytrace=False)
    pytest.skip(message)
