// SPDX-License-Identifier: Apache-2.0
#include "pager/images.h"

#include <algorithm>
#include <utility>

namespace reprise::pager {

using base::Result;
using image::CriuMapping;
using image::CriuPagemap;
using image::CriuPageRun;

namespace {

// The run in parts, of which those in `eager` (by address) are not lazy.
void split(const CriuPageRun& run, const std::vector<CriuMapping>& eager,
           std::vector<CriuPageRun>& parts) {
  const std::uint64_t end = run.address + run.pages * kPageBytes;
  std::uint64_t at = run.address;
  const auto add = [&](std::uint64_t until, bool lazy) {
    if (until == at) return;
    CriuPageRun part = run;
    part.address = at;
    part.pages = (until - at) / kPageBytes;
    part.lazy = lazy;
    parts.push_back(part);
    at = until;
  };
  for (auto one = std::ranges::upper_bound(eager, run.address, {}, &CriuMapping::end);
       one != eager.end() && one->begin < end; ++one) {
    add(std::max(one->begin, at), run.lazy);
    add(std::min(one->end, end), false);
  }
  add(end, run.lazy);
}

std::vector<PageRange> ranges(const CriuPagemap& pagemap, bool lazy) {
  std::vector<PageRange> found;
  std::uint64_t offset = 0;
  for (const CriuPageRun& run : pagemap.runs) {
    const std::uint64_t bytes = run.pages * kPageBytes;
    if (run.present && run.lazy == lazy)
      found.push_back({.address = run.address, .bytes = bytes, .offset = offset});
    if (run.present) offset += bytes;
  }
  return found;
}

}  // namespace

Result<CriuPagemap> load_pagemap(const ReadImage& read, std::uint32_t pid) {
  const std::string name = std::to_string(pid) + ".img";
  CriuPagemap pagemap = REPRISE_TRY(image::decode_pagemap(REPRISE_PASS(read("pagemap-" + name))),
                                    "reading 'pagemap-" + name + "'");
  const auto eager = REPRISE_TRY(image::decode_eager_mappings(REPRISE_PASS(read("mm-" + name))),
                                 "reading 'mm-" + name + "'");
  std::vector<CriuPageRun> parts;
  parts.reserve(pagemap.runs.size());
  for (const CriuPageRun& run : pagemap.runs) split(run, eager, parts);
  pagemap.runs = std::move(parts);
  return pagemap;
}

std::string pages_file(const CriuPagemap& pagemap) {
  return "pages-" + std::to_string(pagemap.file) + ".img";
}

std::vector<PageRange> lazy_ranges(const CriuPagemap& pagemap) { return ranges(pagemap, true); }

std::vector<PageRange> eager_ranges(const CriuPagemap& pagemap) { return ranges(pagemap, false); }

LoadSpace space_loader(ReadImage read) {
  return [read = std::move(read)](std::uint32_t pid) -> Result<SpaceImage> {
    const CriuPagemap pagemap = REPRISE_PASS(load_pagemap(read, pid));
    SpaceImage image{.file = pages_file(pagemap), .missing = {}};
    for (const PageRange& range : lazy_ranges(pagemap)) image.missing.add(range);
    return image;
  };
}

}  // namespace reprise::pager
