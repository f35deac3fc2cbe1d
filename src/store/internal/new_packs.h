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

#include "store/internal/pack.h"

namespace reprise::store {

// New packs in a directory on the store's disk, of which somebody has a StagingPlace.
class NewPacks {
 public:
  // The directory must exist, and `key_id` outlive this.
  NewPacks(std::filesystem::path directory, const std::string& key_id)
      : directory_(std::move(directory)), key_id_(&key_id) {}
  // Appends a sealed block, whoever vouches for it; begins another pack where one is full. After an
  // error (kIo) all is unusable.
  Result<BlockPlace> append(const BlockId& id, std::span<const std::byte> sealed);
  // Makes everything durable. Blocks on the disk.
  Result<void> finish();
  [[nodiscard]] const std::vector<std::string>& ids() const { return ids_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

 private:
  std::filesystem::path directory_;
  const std::string* key_id_;
  std::optional<PackWriter> open_;
  std::vector<std::string> ids_;
};

}  // namespace reprise::store
