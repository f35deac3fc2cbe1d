# SPDX-License-Identifier: Apache-2.0
"""The checks of the tree must really fail on what they exist to refuse."""
import ast
import json
import pathlib
import re
import runpy
import subprocess
import tempfile
import unittest

import yaml

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "tools"

TABLE = """# Architecture

<!-- may-use: read by tools/check-layers -->

| module | may use |
|---|---|
| `base` | |
| `sys` | base |
| `store` | sys, base |
| `runtime` | store/catalog.h, sys, base |
| `apps` | runtime |

After the table.
"""

FILES = {
    "docs/ARCHITECTURE.md": TABLE,
    "src/base/result.h": "#include <expected>\n",
    "src/sys/files.h": '#include "base/result.h"\n',
    "src/store/catalog.h": '#include "sys/files.h"\n#include "store/internal/rows.h"\n',
    "src/store/internal/rows.h": "",
    "src/store/checkpoint_store.h": "",
    "src/store/CMakeLists.txt": "reprise_module(NAME store\n  SOURCES a.cc\n  DEPS sys base)\n",
    "src/runtime/runtime.h": '#include "store/catalog.h"\n',
    "src/runtime/CMakeLists.txt": "reprise_module(NAME runtime\n  DEPS store sys base)\n",
    "apps/reprise_runtime.cc": '#include "runtime/runtime.h"\n',
}


class Tree(unittest.TestCase):
    """A small source tree in which each test plants one fault."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run_tool(self, tool):
        return subprocess.run([TOOLS / tool, "--root", self.root], text=True, capture_output=True,
                              check=False)

    def assert_refused(self, tool, *words):
        done = self.run_tool(tool)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)


class CheckLayersTest(Tree):
    def test_a_tree_that_keeps_to_the_table_passes(self):
        done = self.run_tool("check-layers")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_an_include_against_the_direction_is_refused_with_its_place(self):
        self.write("src/sys/mounts.cc", '\n  #  include "store/catalog.h"\n')
        self.assert_refused("check-layers", "src/sys/mounts.cc:2", "'sys' must not use 'store/cat")

    def test_a_single_header_is_all_that_its_row_allows(self):
        self.write("src/runtime/run.cc", '#include "store/checkpoint_store.h"\n')
        self.assert_refused("check-layers", "'runtime' must not use 'store/checkpoint_store.h'")

    def test_apps_are_checked_too(self):
        self.write("apps/reprise.cc", '#include "sys/files.h"\n')
        self.assert_refused("check-layers", "apps/reprise.cc:1", "'apps' must not use")

    def test_private_headers_of_another_module_are_refused(self):
        self.write("src/store/CMakeLists.txt", "")
        self.write("src/sys/internal/x.h", "")
        self.write("src/store/y.cc", '#include "sys/internal/x.h"\n')
        self.assert_refused("check-layers", "private to 'sys'")

    def test_a_header_that_shadows_the_systems_is_refused(self):
        self.write("src/sys/stat.h", "")
        done = self.run_tool("check-layers")
        self.assertEqual(done.returncode, 1)
        self.assertIn("src/sys/stat.h: shadows the system's <sys/stat.h>", done.stderr)

    def test_json_is_parsed_and_printed_in_one_place(self):
        for line in ("auto j = nlohmann::json::parse(text);", "Json::parse(text, nullptr, false)",
                     "ordered_json::parse<int>(x)", "if (json::accept(text))", "in >> json;"):
            self.write("src/sys/a.cc", line + "\n")
            self.assert_refused("check-layers", "src/sys/a.cc:1", "json/reader.h")
        for line in ("text = json.dump();", "    .dump(-1);"):
            self.write("src/sys/a.cc", "\n" + line + "\n")
            self.assert_refused("check-layers", "src/sys/a.cc:2", "json/writer.h")
        self.write("src/sys/a.cc", "json_reader::parse(x); catch (json::parse_error&); from_json(x)\n")
        self.write("src/sys/a_test.cc", "auto j = json::parse(text);\n")
        self.assertEqual(self.run_tool("check-layers").stderr, "")

    def test_a_missing_header_and_a_bare_name_are_refused(self):
        self.write("src/sys/a.cc", '#include "sys/no_such.h"\n')
        self.assert_refused("check-layers", "does not exist")
        self.write("src/sys/a.cc", '#include "files.h"\n')
        self.assert_refused("check-layers", "write include paths from src/")

    def test_dependencies_in_cmake_are_checked(self):
        self.write("src/sys/CMakeLists.txt", "reprise_module(NAME sys\n  DEPS base store\n  LIBS x)\n")
        self.assert_refused("check-layers", "src/sys/CMakeLists.txt", "depend on 'store'")

    def test_a_module_that_the_table_does_not_know_is_refused(self):
        self.write("src/misc/a.h", "")
        self.assert_refused("check-layers", "src/misc: not in the may-use table")

    def test_a_row_without_a_module_is_refused(self):
        self.write("docs/ARCHITECTURE.md", TABLE.replace("| `apps`", "| `ghost` | base |\n| `apps`"))
        self.assert_refused("check-layers", "'ghost' has no folder")

    def test_a_cycle_in_the_table_is_refused(self):
        self.write("docs/ARCHITECTURE.md", TABLE.replace("| `base` | |", "| `base` | store |"))
        self.assert_refused("check-layers", "cycle: base → store → sys → base")

    def test_a_document_without_the_table_is_refused(self):
        self.write("docs/ARCHITECTURE.md", "# Architecture\n")
        self.assertNotEqual(self.run_tool("check-layers").returncode, 0)


class CheckBracesTest(Tree):
    def test_macros_that_return_are_refused_in_braced_initializers(self):
        for line in ("Pair p{.a = one(), .b = REPRISE_PASS(two())};", "v = {REPRISE_PASS(x())};",
                     "return Foo{bar(REPRISE_TRY(x(), \"y\"))};", "list.push_back({.a = REPRISE_PASS(x())});",
                     "auto x = std::vector<int>{REPRISE_PASS(y())};", "return {a, REPRISE_PASS(b())};"):
            self.write("src/sys/a.cc", "void f() {\n  " + line + "\n}\n")
            self.assert_refused("check-braces", "src/sys/a.cc:2", "in a braced initializer")

    def test_elsewhere_they_are_fine(self):
        self.write("src/sys/a.cc", """
namespace a::b {
struct C final : D {
  C() : x_{1} { REPRISE_PASS(f()); }
  Result<int> f() const override { return REPRISE_PASS(g({1, 2})); }
};
Result<std::map<int, int>> h() {
  // {REPRISE_PASS(in a comment)}
  const Foo foo{.text = "{", .c = '{', .run = [&](int x) -> Result<int> { return REPRISE_PASS(y(x)); }};
  for (const auto& z : REPRISE_PASS(zs())) { if (z) { REPRISE_PASS(u()); } else { REPRISE_PASS(v()); } }
  Foo made(REPRISE_PASS(w()));
  switch (z) { case 1: { REPRISE_PASS(t()); } }
  return {};
}
}
""")
        done = self.run_tool("check-braces")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class CheckSizeTest(Tree):
    def test_files_up_to_the_limit_pass(self):
        self.write("src/sys/a.cc", "\n" * 600)
        done = self.run_tool("check-size")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_one_line_more_is_refused(self):
        self.write("src/sys/a.cc", "\n" * 601)
        self.assert_refused("check-size", "src/sys/a.cc", "601 lines")

    def test_scripts_without_a_suffix_count(self):
        self.write("tools/long", "#!/bin/bash\n" + "\n" * 600)
        self.assert_refused("check-size", "tools/long", "601 lines")

    def test_a_long_python_function_is_refused(self):
        body = "    x = 1\n"
        self.write("tests/a.py", "def fits():\n" + body * 99)
        self.assertEqual(self.run_tool("check-size").returncode, 0)
        self.write("tests/a.py", "def fits():\n" + body * 99 + "def long():\n" + body * 100)
        self.assert_refused("check-size", "tests/a.py:101", "'long' has 101 lines")


# Stands in for `go`: "builds" programs that are named after their packages.
GO = r"""#!/bin/bash
[[ $1 != env ]] || { echo go1.99 && exit; }
echo build >>"$CALLS"
[[ ! -e $CALLS.fails ]] || { echo "no such module" && exit 1; }
sleep 0.2
while [[ $1 != -o ]]; do shift; done
mkdir -p "$2"
for package in "${@:3}"; do
  name=$(basename "$package")
  [[ $name != v3 ]] || name=server # of etcd, whose module ends with its version
  echo "$package" >"$2$name"
done
"""


class KubernetesTest(unittest.TestCase):
    """The cache of the programs of lane `e2e`; what the real `go` builds is what the lane runs."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.calls = self.root / "calls"
        go = self.root / "bin/go"
        go.parent.mkdir()
        go.write_text(GO, encoding="ascii")
        go.chmod(0o755)
        self.cache = self.root / "cache/kubernetes"

    def start(self, *words, **more):
        environment = {"PATH": f"{self.root}/bin:/usr/bin:/bin", "CALLS": str(self.calls),
                       "REPRISE_CACHE": str(self.root / "cache"), "ETCD_VERSION": "3.1.4", **more}
        return subprocess.Popen([TOOLS / "kubernetes", *words], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run_tool(self, *words, **more):
        with self.start(*words, **more) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out.strip(), err

    def builds(self):
        return len(self.calls.read_text().splitlines()) if self.calls.exists() else 0

    def test_each_version_is_built_once_also_by_two_at_once(self):
        processes = [self.start("etcd", "cni") for _ in range(2)]
        for process in processes:
            out, err = process.communicate(timeout=60)
            self.assertEqual((process.returncode, out.strip()), (
                0, f"{self.cache}/etcd-3.1.4:{self.cache}/cni-1.10.0"), err)
        self.assertTrue((self.cache / "etcd-3.1.4/etcd").exists())
        self.assertTrue((self.cache / "cni-1.10.0/host-local").exists())
        self.assertEqual(self.builds(), 2)
        self.assertFalse((self.cache / "building").exists(), "it keeps what nobody needs")
        self.assertEqual(self.run_tool("etcd", ETCD_VERSION="3.1.5")[0], 0)
        self.assertEqual(self.builds(), 3)
        self.assertTrue((self.cache / "etcd-3.1.4/etcd").exists())

    def test_what_is_not_there_is_told_and_not_built_where_it_is_only_asked_for(self):
        code, out, err = self.run_tool("--present", "etcd", "cni")
        self.assertEqual((code, out, self.builds()), (1, "", 0))
        self.assertIn("not built yet: etcd cni", err)
        self.assertIn("unknown part 'kubelet'", self.run_tool("kubelet")[2])

    def test_a_build_that_fails_leaves_nothing_that_counts(self):
        failing = pathlib.Path(f"{self.calls}.fails")
        failing.touch()
        code, out, err = self.run_tool("etcd")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("no such module", err)
        self.assertIn("building etcd 3.1.4 failed", err)
        self.assertFalse((self.cache / "etcd-3.1.4").exists())
        failing.unlink()
        self.assertEqual(self.run_tool("etcd")[0], 0)


class FunctionLengthTest(unittest.TestCase):
    """C++ functions are measured by clang-tidy; its settings must refuse what is too long."""

    def tidy(self, statements):
        with tempfile.TemporaryDirectory() as directory:
            source = pathlib.Path(directory) / "a.cc"
            body = "  x = x * 2 + 1;\n" * statements
            source.write_text(f"int f(int x) {{\n{body}  return x;\n}}\n", encoding="utf-8")
            return subprocess.run(
                ["clang-tidy-19", f"--config-file={TOOLS.parent}/.clang-tidy", source, "--"],
                text=True, capture_output=True, check=False)

    def test_a_hundred_lines_pass_and_more_do_not(self):
        self.assertEqual(self.tidy(95).returncode, 0)
        done = self.tidy(110)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("readability-function-size", done.stdout)


class PatienceTest(unittest.TestCase):
    """No test depends on how fast the machine is (tests/README.md)."""
    LEAST = 20  # seconds

    def limits(self, source):
        """Lines and seconds of the limits in a Python test, where they are plain numbers."""
        for call in ast.walk(ast.parse(source)):
            name = getattr(call, "func", None)
            if isinstance(call, ast.Call) and getattr(name, "id", getattr(name, "attr", "")) == "wait_for":
                if isinstance(call.args[1], ast.Constant):
                    yield call.lineno, call.args[1].value
            for keyword in getattr(call, "keywords", []):
                if keyword.arg == "deadline" and isinstance(keyword.value, ast.Constant):
                    yield call.lineno, keyword.value.value

    def test_limits_are_found(self):
        self.assertEqual(list(self.limits("wait_for(f, 3, 'x')\na.wait_for(f, N, 'x')\ng(deadline=4)")),
                         [(1, 3), (3, 4)])

    def test_who_waits_waits_long(self):
        for file in [*TOOLS.parent.glob("tests/root/**/*.py"), *TOOLS.parent.glob("tests/e2e/**/*.py")]:
            if file.name != "test_harness.py":  # waits for what never comes
                source = file.read_text(encoding="utf-8")
                short = [found for found in self.limits(source) if found[1] < self.LEAST]
                self.assertEqual(short, [], f"{file}: lines and seconds")

    def test_nothing_must_take_less_than_a_busy_machine_needs(self):
        unit = {"seconds": 1, "milliseconds": 1e-3}
        limit = re.compile(r"EXPECT_L[TE]\([^;]*now\(\) - [^;]*?\b(seconds|milliseconds)[({]([\d']+)[^;]*;")
        self.assertTrue(limit.search("EXPECT_LT(Clock::now() - begun,\n  milliseconds{500});"))
        for file in TOOLS.parent.glob("src/**/*_test.cc"):
            for name, number in limit.findall(file.read_text(encoding="utf-8")):
                self.assertGreaterEqual(unit[name] * int(number.replace("'", "")), self.LEAST, file)


class DeploymentTest(unittest.TestCase):
    """What is applied to a cluster, and the chart: each follows from the other."""

    def render(self, template, **values):
        return runpy.run_path(str(TOOLS / "deployment"))["render"](template, values)

    def test_all_is_up_to_date(self):
        done = subprocess.run([TOOLS / "deployment", "--check"], text=True, capture_output=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_values_and_conditions(self):
        template = ("a: {{ .Values.x.y }}\n{{- if .Values.on }}\nb: {{ .Values.list | toJson }}\n"
                    "{{- end }}\nc: {{ .Values.text | quote }}\n")
        self.assertEqual(self.render(template, x={"y": 1}, on=[], list=[1], text="t"),
                         'a: 1\nc: "t"\n')
        self.assertIn("b: [1,{\"a\":2}]\nc:", self.render(
            template, x={"y": 1}, on=[1], list=[1, {"a": 2}], text="t"))

    def test_what_is_not_understood_is_refused(self):
        with self.assertRaises(AssertionError):
            self.render("{{ .Release.Name }}")

    def test_a_remote_of_amazon_has_no_endpoint(self):
        """An empty option took the next one for its value."""
        chart = TOOLS.parent / "deploy/helm/reprise"
        template = (chart / "templates/agents.yaml").read_text(encoding="utf8")
        values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf8"))
        def first_step(endpoint):
            remote = {**values["remote"], "url": "s3://bucket/nodes", "endpoint": endpoint}
            [agents] = [document for document in yaml.safe_load_all(
                self.render(template, **{**values, "remote": remote}))
                if document and document["kind"] == "DaemonSet"]
            return agents["spec"]["template"]["spec"]["initContainers"][0]["command"]
        self.assertFalse([word for word in first_step("") if word.endswith("=")])
        self.assertIn("--remote-endpoint=https://s3:9000", first_step("https://s3:9000"))

    def test_the_charts_values_are_those_of_its_schema(self):
        chart = TOOLS.parent / "deploy/helm/reprise"
        values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf8"))
        schema = json.loads((chart / "values.schema.json").read_text(encoding="utf8"))
        self.assertEqual(set(values) | {"global"}, set(schema["properties"]))
        self.assertEqual(set(values["containerd"]),
                         set(schema["properties"]["containerd"]["properties"]))


if __name__ == "__main__":
    unittest.main()
