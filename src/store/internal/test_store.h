// SPDX-License-Identifier: Apache-2.0
//
// For the tests of the store only: a store with checkpoints of known contents.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "crypto/keys.h"
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

// Bytes that nothing compresses; the same for the same seed.
inline std::string noise(std::size_t bytes, unsigned seed = 1) {
  std::mt19937_64 random(seed);  // NOLINT: the same in every run
  std::string text(bytes + sizeof(std::uint64_t), '\0');
  for (std::size_t i = 0; i < bytes; i += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::copy_n(reinterpret_cast<const char*>(&word), sizeof word,
                text.begin() + std::ptrdiff_t(i));
  }
  text.resize(bytes);
  return text;
}

inline std::string zeros(std::size_t pages) { return std::string(pages * 4096, '\0'); }

inline crypto::TenantKeys test_keys() {
  const auto secret = [] { return value_of(crypto::Secret::random(crypto::kKeyBytes)); };
  return {.data = value_of(crypto::Aead::with_key(secret())),
          .manifests = value_of(crypto::Aead::with_key(secret())),
          .pages = value_of(crypto::PageHasher::with_key(secret())),
          .id = "0123456789abcdef"};
}

inline image::Manifest facts() {
  return {.key = base::ContainerKey("web"), .name = "web", .created = 7, .kernel = "6.18"};
}

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

inline constexpr std::chrono::seconds kPatience{10};

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
