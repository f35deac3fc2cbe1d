# SPDX-License-Identifier: Apache-2.0
"""Kills at random: REPRISE_STORM_ROUNDS rounds (20 by default), which REPRISE_STORM_SEED repeats as far
as a machine repeats its timing.
"""
import os
import pathlib
import secrets

import pytest
from harness import storm

pytestmark = [pytest.mark.requires("root", "criu", "podman"), pytest.mark.timeout(0)]


def test_kill_storm(container, product):
    seed = int(os.environ.get("REPRISE_STORM_SEED", secrets.randbelow(10**6)))
    directory = pathlib.Path(product.base) / "ledger"
    directory.mkdir()
    storm.run(container, directory, seed, int(os.environ.get("REPRISE_STORM_ROUNDS", "20")))
