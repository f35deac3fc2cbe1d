// SPDX-License-Identifier: Apache-2.0
//
// Where a fuzz target lets files be read that nobody wrote: in memory, and gone with the process.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "input.h"

namespace reprise::fuzz {

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = "/dev/shm/reprise-fuzz-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr, "there is a tmpfs");
    path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ScratchDirectory(ScratchDirectory&&) = delete;
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace reprise::fuzz
