// SPDX-License-Identifier: Apache-2.0
//
// Which pages of a process CRIU saved, and where they are: pagemap-PID.img, whose pages follow each
// other in pages-N.img; and what mm-PID.img says of the mappings they lie in. Read strictly
// (image/criu_message.h). Pure; errors are kCorrupt or kUnsupported.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::image {

struct CriuPageRun {
  std::uint64_t address = 0;  // a multiple of the page size, as CRIU's check asks for
  std::uint64_t pages = 0;
  bool lazy = false;     // the mapping can be filled after the restore
  bool present = false;  // they lie in the file
  bool operator==(const CriuPageRun&) const = default;
};
struct CriuPagemap {
  std::uint32_t file = 0;         // the N of pages-N.img
  std::vector<CriuPageRun> runs;  // by address; they do not overlap
};
// kUnsupported for pages that lie in a parent's images: ours have none.
base::Result<CriuPagemap> decode_pagemap(std::string_view file);
std::string encode_pagemap(const CriuPagemap& pagemap);

struct CriuMapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};
// Mappings that cannot be filled after the restore, whatever a page map says of them: CRIU does not
// register them (files, shared memory, locked or huge pages), or a child of the process gets them
// empty (MADV_WIPEONFORK). By address; they do not touch.
base::Result<std::vector<CriuMapping>> decode_eager_mappings(std::string_view file);

}  // namespace reprise::image
