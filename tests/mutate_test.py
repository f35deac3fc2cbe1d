# SPDX-License-Identifier: Apache-2.0
"""tools/mutate finds what it may change, and tells which changes tests miss."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parent.parent / "tools/mutate"


def load():
    loader = importlib.machinery.SourceFileLoader("mutate", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutate", loader))
    loader.exec_module(module)
    return module


class MutantsTest(unittest.TestCase):
    def changes(self, text):
        """The texts that a source may become."""
        mutants = load().mutants_of(text)
        self.assertEqual(len(set(mutants)), len(mutants))
        return {mutant.applied(text) for mutant in mutants}

    def test_operators_become_their_neighbours(self):
        self.assertEqual(self.changes("x = a < b && c;"),
                         {"x = a <= b && c;", "x = a >= b && c;", "x = a < b || c;"})
        self.assertEqual(self.changes("int x = a + 1;"), {"int x = a - 1;"})
        self.assertEqual(self.changes("int x = !a == true;"),
                         {"int x = a == true;", "int x = !a != true;", "int x = !a == false;"})

    def test_templates_references_comments_and_texts_are_left_alone(self):
        for text in ("std::map<int, T> x;", "auto&& x = y;", "// a < b\n", "/* a &&\n b || c */",
                     '#define A (b == c)\n', 'f("a < b");', "f('<', \"\\\" && \");", 'f(R"(a == b)");'):
            self.assertEqual(self.changes(text), set(), text)

    def test_statements_and_guards_are_left_out(self):
        text = "void f() {\n  g(1,\n    2);\n  x.y->z = 3;\n  ++n;\n}\n"
        self.assertEqual(self.changes(text), {text.replace("g(1,\n    2);", ""), text.replace("x.y->z = 3;", ""),
                                              text.replace("++n;", "")})
        inner = "void f() {\n  erase(x, [&](T y) { return y; });\n}\n"
        self.assertEqual(self.changes(inner), {"void f() {\n  \n}\n"})
        guard = "int f() {\n  if (g()) return X{};\n  return 2;\n}\n"
        self.assertEqual(self.changes(guard), {guard.replace("if (g()) return X{};", "")})

    def test_declarations_and_the_only_statement_of_an_if_stay(self):
        for text in ("void f() {\n  int x(1);\n  const T y = g();\n  return h();\n}\n",
                     "void f() {\n  if (g())\n    h();\n  else\n    i();\n  int x;\n}\n"):
            self.assertEqual(self.changes(text), set(), text)


class RunTest(unittest.TestCase):
    """On a copy of a small file: `grep` stands for a compiler, `grep` for tests."""

    def run_tool(self, source, *args):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "tools").mkdir()
            (root / "tools/mutate").write_bytes(TOOL.read_bytes())
            (root / "tools/mutate").chmod(0o755)
            (root / "a.cc").write_text(source, encoding="utf-8")
            (root / "tools/mutants-kept").write_text(
                "# why\na.cc | kept(a < b); | ' < ' to ' <= ' | it is the same\n", encoding="utf-8")
            subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
            done = subprocess.run([root / "tools/mutate", *args, "a.cc"], cwd=root, text=True,
                                  capture_output=True, check=False)
            self.assertEqual((root / "a.cc").read_text(encoding="utf-8"), source)
            return done

    def test_what_tests_miss_is_named_and_counted(self):
        done = self.run_tool("bool x = a < b;\nbool y = c == d;\nbool z = e && f;\n",
                             "--build-with", "! grep -q '||' a.cc", "--test-with", "grep -q 'a < b' a.cc")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout, "a.cc:2: bool y = c == d; | ' == ' to ' != '\n"
                         "noticed 2 of 3 (67 %); 0 kept, 1 refused by the compiler\n")

    def test_a_change_that_is_kept_is_not_tried(self):
        done = self.run_tool("kept(a < b);\n", "--build-with", "true", "--test-with", "grep -q 'a < b' a.cc")
        self.assertEqual((done.returncode, done.stdout),
                         (0, "noticed 1 of 1 (100 %); 1 kept, 0 refused by the compiler\n"), done.stderr)

    def test_tests_that_never_end_have_noticed(self):
        done = self.run_tool("bool y = c == d;\n", "--patience", "1", "--build-with", "true",
                             "--test-with", "grep -q '==' a.cc || sleep 100")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_tests_that_fail_already_tell_nothing(self):
        done = self.run_tool("bool x = a < b;\n", "--build-with", "true", "--test-with", "false")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("fail already", done.stderr)


if __name__ == "__main__":
    unittest.main()
