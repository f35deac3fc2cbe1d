// SPDX-License-Identifier: Apache-2.0
//
// What of CRIU's images is restored at once, and what comes after the programs run. Pure but for
// the reading.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/criu_pagemap.h"
#include "pager/missing_pages.h"
#include "pager/spaces.h"

namespace reprise::pager {

// Contents of a small image file. The same function serves the restore and the pager, since both
// must mean the same pages.
using ReadImage = std::function<base::Result<std::string>(const std::string& name)>;

// The page map of process `pid`, with lazy runs where that may be: not in mappings that CRIU does
// not register, whatever the page map says, and not in what children get empty, since nobody can
// tell in the pager which of a child's pages are missing and which wiped.
base::Result<image::CriuPagemap> load_pagemap(const ReadImage& read, std::uint32_t pid);
std::string pages_file(const image::CriuPagemap& pagemap);

// By address; each with where it is in the pages file.
std::vector<PageRange> lazy_ranges(const image::CriuPagemap& pagemap);
std::vector<PageRange> eager_ranges(const image::CriuPagemap& pagemap);

LoadSpace space_loader(ReadImage read);

}  // namespace reprise::pager
