// SPDX-License-Identifier: Apache-2.0
//
// What CRIU measured while it dumped: its image file `stats-dump`.
//
// CRIU writes the file into its work directory (not the image directory), after the post-dump step
// and only if the dump succeeded.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace reprise::image {

// Times are in microseconds; CRIU counts them in 32 bits, so they wrap after 71 minutes.
struct CriuDumpStats {
  std::uint32_t freezing_us = 0;    // until all tasks stood still
  std::uint32_t frozen_us = 0;      // while they did, the post-dump step included
  std::uint32_t memdump_us = 0;     // of frozen_us: finding and draining memory pages
  std::uint32_t memwrite_us = 0;    // writing them out
  std::uint64_t pages_written = 0;  // of 4 KiB
  bool operator==(const CriuDumpStats&) const = default;
};

// `file` is the whole contents of a stats-dump file. kCorrupt if it is anything else.
base::Result<CriuDumpStats> decode_dump_stats(std::string_view file);

}  // namespace reprise::image
