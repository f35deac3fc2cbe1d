// SPDX-License-Identifier: Apache-2.0
//
// For tests only: a directory of their own.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace reprise::sys {

// Empty when made, removed with all its contents on drop.
class TestDirectory {
 public:
  TestDirectory() {
    std::string name = testing::TempDir() + "reprise-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }
  // Makes a file with these contents and returns its path.
  [[nodiscard]] std::filesystem::path file(std::string_view name, std::string_view contents) const {
    const std::filesystem::path result = path_ / name;
    std::ofstream(result, std::ios::binary) << contents;
    return result;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace reprise::sys
