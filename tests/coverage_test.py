# SPDX-License-Identifier: Apache-2.0
"""tools/coverage counts a line once, whoever compiled it, and knows what is a test."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parent.parent / "tools/coverage"


def load():
    loader = importlib.machinery.SourceFileLoader("coverage", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("coverage", loader))
    loader.exec_module(module)
    return module


class CoverageTest(unittest.TestCase):
    def counted(self, files):
        """What the tool counts after programs of these sources have run."""
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory).resolve()
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            build = root / "build"
            build.mkdir()
            for name in sorted(files):
                if name.endswith(".cc"):
                    program = build / pathlib.Path(name).name
                    subprocess.run(["g++", "-O0", "--coverage", f"-I{root}/src", root / name, "-o", f"{program}.out"],
                                   cwd=build, check=True)
                    subprocess.run([f"{program}.out"], cwd=build, check=True)
            module = load()
            module.SOURCES = root / "src"
            lines = module.counted(build)
            return module, {str(name): dict(counts) for name, counts in lines.items()}, lines

    def test_a_line_of_a_header_counts_once_and_ran_if_it_ran_anywhere(self):
        header = "inline int f(bool x) {\n  if (x)\n    return 1;\n  return 2;\n}\n"
        main = '#include "a/f.h"\nint main() { return f(%s) - %s; }\n'
        module, counts, lines = self.counted({"src/a/f.h": header, "src/a/one_test.cc": main % ("true", "1"),
                                              "src/b/two.cc": main % ("false", "2")})
        self.assertEqual(set(counts), {"a/f.h", "b/two.cc"}, "tests do not count")
        self.assertTrue(all(counts["a/f.h"].values()), counts["a/f.h"])
        self.assertEqual(module.table_of(lines).splitlines()[2:],
                         ["| a | 4 | 100 % |", "| b | 1 | 100 % |", "| all | 5 | 100 % |"])

    def test_lines_that_never_ran_are_told_as_spans(self):
        self.assertEqual(load().spans([9, 4, 3, 5]), "3-5, 9")

    def test_the_table_takes_the_place_of_the_one_before(self):
        module = load()
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as file:
            file.write(f"head\n{module.MARKS[0]}\nold\n{module.MARKS[1]}\ntail\n")
            file.flush()
            for _ in range(2):
                module.write_table(pathlib.Path(file.name), "| new |\n")
            self.assertEqual(pathlib.Path(file.name).read_text(encoding="utf-8"),
                             f"head\n{module.MARKS[0]}\n\n| new |\n\n{module.MARKS[1]}\ntail\n")


if __name__ == "__main__":
    unittest.main()
