// SPDX-License-Identifier: Apache-2.0
//
// For the tests of the directory store only: a store with checkpoints of known contents.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "store/checkpoint_store.h"
#include "store/internal/test_support.h"

namespace reprise::store {

namespace fs = std::filesystem;
using base::CheckpointId;
using base::ErrorCode;
using fs::path;

inline void write(const path& file, const std::string& contents) {
  std::ofstream(file, std::ios::binary) << contents;
}

inline std::string read(const path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::string noise(std::size_t bytes) {
  std::mt19937 random(static_cast<unsigned>(bytes));  // NOLINT: the same in every run
  std::string text(bytes, '\0');
  std::ranges::generate(text, [&] { return static_cast<char>(random()); });
  return text;
}

inline image::Manifest facts() {
  return {.key = base::ContainerKey("web"), .name = "web", .created = 7, .kernel = "6.18"};
}

// Everything below `root` but the store's own lock.
inline std::vector<std::string> leftovers(const path& root) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.path().filename() != ".lock")
      names.push_back(entry.path().lexically_relative(root).string());
  std::ranges::sort(names);
  return names;
}

inline const std::vector<std::string> kNothing{"checkpoints", "staging"};

class DirectoryStoreTest : public testing::Test {
 protected:
  DirectoryStoreTest() : store_(open_directory_store(root_).value()) {}

  // A sealed checkpoint with three files, one of them larger than the buffer of the digest.
  CheckpointId sealed() {
    auto writer = store_->begin().value();
    write(writer->pages().spool() / "pages-1.img", noise(3'000'001));
    write(writer->pages().spool() / "core-1.img", noise(2693));
    write(writer->part("rootfs.tar").value(), noise(10240));
    EXPECT_TRUE(writer->pages().absorb());
    const auto manifest = writer->seal(facts());
    EXPECT_TRUE(manifest) << manifest.error().message();
    return writer->id();
  }

  path file_of(const CheckpointId& id, const std::string& name) {
    return root_ / "checkpoints" / id.str() / name;
  }

  void expect_corrupt(const Result<void>& result, const std::string& name) {
    ASSERT_FALSE(result) << name << " was not found to be damaged";
    EXPECT_EQ(result.error().code(), ErrorCode::kCorrupt);
    EXPECT_TRUE(result.error().message().contains("'" + name + "'")) << result.error().message();
  }

  TestDirectory directory_;
  path root_ = directory_.path() / "store";
  std::unique_ptr<CheckpointStore> store_;
};

}  // namespace reprise::store
