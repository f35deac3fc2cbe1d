// SPDX-License-Identifier: Apache-2.0
//
// The file of a sealed checkpoint: its manifest, and of what pages its files consist.
// docs/format/checkpoint.md.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "crypto/keys.h"
#include "image/manifest.h"
#include "pages/pack.h"

namespace reprise::pages {

// Pages that follow each other in a file and in a block.
struct PageRun {
  static constexpr std::uint32_t kZeros = UINT32_MAX;

  std::uint32_t block = kZeros;  // index into Contents::blocks; kZeros: pages of zeros
  std::uint32_t first = 0;       // page in the block
  std::uint32_t pages = 0;
  bool operator==(const PageRun&) const = default;
};

struct StoredFile {
  std::string name;  // as in the manifest
  std::vector<PageRun> runs;
  bool operator==(const StoredFile&) const = default;
};

struct Contents {
  image::Manifest manifest;
  std::vector<BlockPlace> blocks;
  std::vector<StoredFile> files;  // one for each of the manifest's, in its order
};

inline constexpr int kCheckpointVersion = 3;  // 1 and 2 were directories

// Pages of a file with so many bytes; the last one is filled up with zeros.
std::uint64_t pages_of(std::uint64_t bytes);

// The whole file. kInvalidInput if a name is not UTF-8.
Result<std::string> seal_contents(const crypto::TenantKeys& keys, const Contents& contents);
// kCorrupt for anything that is not the file of checkpoint `id`, or that does not fit together;
// kUnsupported for a newer version; kDenied if other keys sealed it.
Result<Contents> open_contents(const crypto::TenantKeys& keys, const base::CheckpointId& id,
                               std::string_view file);
// Its blocks, one after the other, without what the files consist of, which of a large checkpoint
// takes ten times the memory. Proves as much as open_contents(), but for whether it fits together.
// After an error some were visited.
Result<void> visit_blocks(const crypto::TenantKeys& keys, const base::CheckpointId& id,
                          std::string file, const std::function<void(const BlockPlace&)>& visit);

}  // namespace reprise::pages
