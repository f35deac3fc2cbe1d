// SPDX-License-Identifier: Apache-2.0
//
// For tests: a `podman` that comes first in PATH while this lives, and answers what it was told to.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::operations {

// What it was told nothing about it refuses, as Podman does for a container that is not there.
class FakePodman {
 public:
  FakePodman() {
    std::ofstream(directory_ / "podman")
        << "#!/bin/sh\n"
           "here="
        << directory_.path().string()
        << "\n"
           "echo \"$*\" >> $here/calls\n"
           "if [ \"$1\" = --runtime ]; then shift 2; fi\n"
           "for answer in \"$here/$1-$2\" \"$here/$1\"; do\n"
           "  if [ -f \"$answer\" ]; then . \"$answer\"; exit; fi\n"
           "done\n"
           "echo \"Error: no such container\" >&2; exit 125\n";
    std::filesystem::permissions(directory_ / "podman", std::filesystem::perms::owner_all);
    ::setenv("PATH", (directory_.path().string() + ":" + path_).c_str(), 1);
  }
  ~FakePodman() { ::setenv("PATH", path_.c_str(), 1); }
  FakePodman(const FakePodman&) = delete;
  FakePodman& operator=(const FakePodman&) = delete;

  // `verb`: its first words behind the runtime, joined by '-' ("ps", "image-inspect"). `script`:
  // for the shell, with all words as "$@".
  void answer(const std::string& verb, const std::string& script) {
    std::ofstream(directory_ / verb) << script << '\n';
  }
  // How it was called, a line each.
  [[nodiscard]] std::string calls() const {
    return sys::read_file(directory_ / "calls").value_or("");
  }

 private:
  std::string path_ = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  sys::TestDirectory directory_;
};

}  // namespace reprise::operations
