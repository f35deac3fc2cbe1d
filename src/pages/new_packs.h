// SPDX-License-Identifier: Apache-2.0
//
// Packs while they are written, one after the other.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pages/pack.h"

namespace reprise::pages {

// New packs in a directory on the store's disk, of which somebody has a StagingPlace.
class NewPacks {
 public:
  // The directory must exist, and `key_id` outlive this.
  NewPacks(std::filesystem::path directory, const std::string& key_id,
           std::uint64_t limit = kPackLimit)
      : directory_(std::move(directory)), key_id_(&key_id), limit_(limit) {}
  // Appends a sealed block, whoever vouches for it; begins another pack where one is full. After an
  // error (kIo) all is unusable.
  Result<BlockPlace> append(const BlockId& id, std::span<const std::byte> sealed);
  // Makes everything durable. Blocks on the disk.
  Result<void> finish();
  [[nodiscard]] const std::vector<std::string>& ids() const { return ids_; }
  // Those that are durable, and are not given away by take_finished() yet.
  std::vector<std::string> take_finished();
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

 private:
  std::filesystem::path directory_;
  const std::string* key_id_;
  std::uint64_t limit_;  // bytes; a pack that has so many is full
  std::optional<PackWriter> open_;
  std::vector<std::string> ids_;
  std::size_t taken_ = 0;  // the first so many of them
};

}  // namespace reprise::pages
