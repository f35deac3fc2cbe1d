// SPDX-License-Identifier: Apache-2.0
#include "store/internal/unique_pages.h"

#include <algorithm>

namespace reprise::store {

std::uint64_t UniquePages::add(const pages::Contents& contents) {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < contents.files.size(); ++i)
    bytes += add(contents, contents.files[i], contents.manifest.files[i].bytes);
  return bytes;
}

// `left`: bytes from the page on that is looked at; its last page may be shorter than others.
std::uint64_t UniquePages::add(const pages::Contents& contents, const pages::StoredFile& file,
                               std::uint64_t left) {
  std::uint64_t bytes = 0;
  for (const pages::PageRun& run : file.runs) {
    auto* seen =
        run.block == pages::PageRun::kZeros ? nullptr : &seen_[contents.blocks[run.block].id];
    for (std::uint32_t i = 0; i < run.pages; ++i) {
      const std::uint64_t size = std::min<std::uint64_t>(left, pages::kPageBytes);
      left -= size;
      const std::size_t page = std::size_t{run.first} + i;
      if (seen == nullptr || page >= pages::kBlockPages || (*seen)[page]) continue;
      seen->set(page);
      bytes += size;
    }
  }
  return bytes;
}

}  // namespace reprise::store
