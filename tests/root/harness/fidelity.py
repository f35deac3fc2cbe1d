# SPDX-License-Identifier: Apache-2.0
"""What the tests saw survive, for docs/fidelity.md (tools/fidelity reads what is written here).

A test says what it is about with `@pytest.mark.fidelity(SECTION, SUBJECT)`, or for each of several
subjects with `of()`, and notes what survived as soon as it is proved.
"""
import json
import os
import pathlib


class Evidence:
    """All that one run of pytest proved; written when it ends, also if tests failed."""

    def __init__(self):
        self.rows = []

    def add(self, section, subject, way, result="yes"):
        self.rows.append({"section": section, "subject": subject, "way": way, "result": result})

    def write(self):
        path = os.environ.get("REPRISE_FIDELITY")
        if path and self.rows:
            file = pathlib.Path(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(self.rows, indent=1) + "\n", encoding="utf-8")


class Fidelity:
    """The fixture `fidelity`: notes for one test."""

    def __init__(self, evidence, marker):
        self.evidence = evidence
        self.marker = marker

    def survived(self, way):
        assert self.marker, "mark the test: @pytest.mark.fidelity(section, subject)"
        self.of(*self.marker.args, way)

    def of(self, section, subject, way, result="yes"):
        self.evidence.add(section, subject, way, result)
