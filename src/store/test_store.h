// SPDX-License-Identifier: Apache-2.0
//
// For tests only: a store with checkpoints of known contents.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/keys.h"
#include "pages/test_contents.h"
#include "store/checkpoint_store.h"
#include "sys/test_directory.h"
#include "sys/test_support.h"

namespace reprise::store {

namespace fs = std::filesystem;
using base::CheckpointId;
using base::ErrorCode;
using fs::path;
using pages::facts;
using pages::noise;
using pages::read;
using pages::write;
using pages::zeros;
using sys::TestDirectory;
using sys::value_of;

// Names of everything in a directory.
inline std::vector<std::string> entries(const path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.path().filename() != ".lock") names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

inline std::uint64_t bytes_in(const path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(directory)) bytes += entry.file_size();
  return bytes;
}

inline constexpr std::chrono::seconds kPatience{60};

using FilesOf = std::map<std::string, std::string>;  // name to contents

class StoreTest : public testing::Test {
 protected:
  StoreTest() { store_ = value_of(open_store(at(root_))); }

  // A store there, with the key that all of a test have.
  [[nodiscard]] StoreConfig at(const path& root) const {
    return {.root = root, .key = {.kind = crypto::KeySource::Kind::kFile, .value = key_.string()}};
  }

  // Writes and seals a checkpoint of these image files and parts.
  CheckpointId put(const FilesOf& images, const FilesOf& parts = {}) {
    auto writer = value_of(store_->begin({}));
    for (const auto& [name, contents] : images) write(writer->pages().spool() / name, contents);
    for (const auto& [name, contents] : parts) write(value_of(writer->part(name)), contents);
    EXPECT_TRUE(writer->pages().absorb());
    const auto manifest = writer->seal(facts());
    EXPECT_TRUE(manifest) << manifest.error().message();
    EXPECT_TRUE(writer->settle());
    return writer->id();
  }

  // One with three files, of several blocks.
  CheckpointId put_some() {
    return put({{"pages-1.img", noise(3'000'001)}, {"core-1.img", noise(2693, 2)}},
               {{"rootfs.tar", noise(10240, 3)}});
  }

  void expect_holds(const CheckpointId& id, const FilesOf& images) {
    auto reader = value_of(store_->open(id));
    const path spool = value_of(reader->pages().materialize());
    for (const auto& [name, contents] : images)
      EXPECT_TRUE(read(spool / name) == contents) << name << " is not what was stored";
  }

  path packs() const { return root_ / "packs"; }
  std::uint64_t stored() const { return bytes_in(packs()); }

  TestDirectory directory_;
  path key_ = directory_.path() / "key";
  path root_ = directory_.path() / "store";
  std::unique_ptr<CheckpointStore> store_;
};

}  // namespace reprise::store
