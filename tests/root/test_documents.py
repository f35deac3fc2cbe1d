# SPDX-License-Identifier: Apache-2.0
"""What the documents, the configuration's comments and `config show` say is what the program does."""
import pathlib
import re
import tomllib

import pytest

pytestmark = pytest.mark.requires("root")

TREE = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [TREE / "README.md", *sorted(TREE.glob("docs/*.md"))]
# In code only: `reprise checkpoint create|ls|show`, "$ sudo reprise run --name x".
CODE = re.compile(r"`[^`\n]+`|^[$#] .*$", re.M)
COMMAND = re.compile(r"(?<![\w/.-])reprise ([a-z][^`'\n]*)")


def commands_of(product):
    """Every command with its help."""
    listed = product.reprise("--help").stdout
    found = {}
    for line in listed.splitlines():
        match = re.match(r"  ([a-z-]+(?: [a-z-]+)?)  +\S", line)
        if match:
            found[match[1]] = product.reprise(*match[1].split(), "--help").stdout
    return found


def parts_of(words, nouns):
    """Paths of commands, and options, in "checkpoint create|ls --json X"."""
    verbs = words[0].split("|")
    rest = words[1:]
    if words[0] in nouns and rest and re.fullmatch("[a-z|-]+", rest[0]):
        verbs = [f"{words[0]} {verb}" for verb in rest.pop(0).split("|")]
    if "--" in rest:
        rest = rest[:rest.index("--")]
    return verbs, [word.partition("=")[0] for word in rest if re.match("--[a-z]", word)]


def test_every_documented_command_and_option_exists(product):
    helps = commands_of(product)
    assert {"run", "stop", "checkpoint create", "config show"} <= set(helps), helps.keys()
    nouns = {path.split()[0] for path in helps if " " in path}
    unknown = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for command in (found for code in CODE.findall(text) for found in COMMAND.findall(code)):
            paths, options = parts_of(command.split(), nouns)
            unknown += [f"{document.name}: reprise {path}" for path in paths
                        if path not in helps and path not in nouns]
            if paths == ["run"]:
                continue  # its options are Podman's
            unknown += [f"{document.name}: reprise {path} {option}" for path in paths
                        for option in options if option not in helps.get(path, option)]
    assert unknown == []


def uncommented():
    """etc/reprise.toml with every comment that looks like a setting put into force."""
    lines = (TREE / "etc/reprise.toml").read_text(encoding="utf-8").splitlines()
    return "\n".join(re.sub(r"^# (?=\w+ = |\[)", "", line) for line in lines)


def test_comments_of_the_configuration_are_what_is_in_force_without_it(product):
    settings = {one["name"]: one["value"] for one in product.json("config", "show")["settings"]}
    written = tomllib.loads(uncommented())
    for name, value in written["retention"].items():
        if name != "max_size":  # an example: there is no limit
            assert settings[f"retention.{name}"] == str(value), name
    assert settings["retention.max_size"] == "unlimited"
    table = (TREE / "docs/configuration.md").read_text(encoding="utf-8")
    for name in written["retention"]:
        assert f"`{name}`" in table


def test_every_setting_that_is_commented_out_is_one(product, monkeypatch):
    config = product.base / "all.toml"
    # At most one source of the key.
    text = re.sub(r'^key_(variable|command) = .*$', "", uncommented(), flags=re.M)
    config.write_text(text, encoding="utf-8")
    monkeypatch.setenv("REPRISE_CONFIG", str(config))
    shown = product.reprise("config", "show")
    assert str(config) in shown.stdout
    assert str(200 << 30) in shown.stdout


def test_paths_of_installed_programs_are_those_of_the_installation():
    installed = (TREE / "apps/CMakeLists.txt").read_text(encoding="utf-8")
    assert "DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/reprise" in installed
    for document in DOCUMENTS:
        for path in re.findall(r"/usr/local/[\w./-]*reprise[\w./-]*", document.read_text(encoding="utf-8")):
            path = path.rstrip(".")
            assert path in ("/usr/local/bin/reprise", "/usr/local/libexec/reprise/reprise-runtime",
                            "/usr/local/libexec/reprise/reprise-worker",
                            "/usr/local/libexec/reprise/reprised"), f"{document.name}: {path}"
