# SPDX-License-Identifier: Apache-2.0
"""What every program and every command of it says of itself with --help can be read: no control
characters (a number of an enumeration was printed as one), and a word on each option and command."""
import os
import pathlib
import re
import subprocess
import unittest

BIN = pathlib.Path(os.environ["REPRISE_BIN_DIR"])
# The program, and the name by which it is called. `reprise-runtime --help` is runc's.
PROGRAMS = [("reprise", "reprise"), ("reprise", "kubectl-reprise"), ("reprise-node", "reprise-node"),
            ("reprised", "reprised")]
SECTION = re.compile(r"^([A-Za-z]+):\s*$")
COMMANDS = ("Commands", "Subcommands", "SUBCOMMANDS")
ENTRIES = (*COMMANDS, "Options", "OPTIONS", "Positionals", "POSITIONALS")


def helped(program, name, words):
    return subprocess.run([name, *words, "--help"], executable=BIN / program, capture_output=True,
                          check=False, timeout=60)


def entries(text):
    """(section, line, whether the next line is about it, too) of options, arguments and commands."""
    lines = text.splitlines()
    section = ""
    for line, following in zip(lines, [*lines[1:], ""]):
        if found := SECTION.match(line):
            section = found[1]
        elif not line.strip() or not line.startswith(" "):
            section = "" if line.strip() else section
        elif section in ENTRIES and re.match(r"^  \S", line):
            yield section, line, bool(re.match(r"^ {8,}\S", following))


def is_described(line, goes_on):
    name = re.sub(r"^ +(-\w, +)?", "", line)
    return goes_on or re.search(r"\S {2,}\S", name) is not None


class HelpTest(unittest.TestCase):
    def look(self, program, name, words, seen):
        """The commands below."""
        called = " ".join([name, *words])
        done = helped(program, name, words)
        text = done.stdout.decode("utf-8")
        self.assertEqual((done.returncode, done.stderr), (0, b""), called)
        self.assertTrue(text.strip(), called)
        seen.append(called)
        odd = sorted({c for c in text if c != "\n" and not c.isprintable()})
        self.assertEqual(odd, [], f"'{called} --help' has control characters")
        below = []
        for section, line, goes_on in entries(text):
            self.assertTrue(is_described(line, goes_on), f"'{called} --help' explains nothing: {line}")
            if section in COMMANDS:
                below.append(line)
        return below

    def walk(self, program, name, words, seen):
        for line in self.look(program, name, words, seen):
            self.walk(program, name, [*words, *re.split(r" {2,}", line.strip())[0].split(" ")], seen)

    def test_of_every_program_and_command(self):
        seen = []
        for program, name in PROGRAMS:
            with self.subTest(program=name):
                self.walk(program, name, [], seen)
        # The walk found commands in each form of a list.
        for one in ("reprise checkpoint create", "reprise store upload", "reprise-node install",
                    "kubectl-reprise doctor", "reprised"):
            self.assertIn(one, seen)

    def test_what_is_not_described_is_found(self):
        text = "Options:\n  -h,     --help              Print\n  -x,     --odd TEXT\n  --long-one TEXT\n" \
               "                              Explained\n"
        told = [is_described(line, goes_on) for _, line, goes_on in entries(text)]
        self.assertEqual(told, [True, False, True])


if __name__ == "__main__":
    unittest.main()
