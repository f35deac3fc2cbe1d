// SPDX-License-Identifier: Apache-2.0
#include "image/criu_pagemap.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "image/criu_message.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::uint32_t kPagemapMagic = 0x56084025;
constexpr std::uint32_t kMmMagic = 0x57492820;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMostAddress = std::uint64_t{1} << 57U;  // five levels of page tables

// CRIU's pagemap.h
constexpr std::uint64_t kInParent = 1;
constexpr std::uint64_t kLazy = 2;
constexpr std::uint64_t kPresent = 4;

constexpr CriuField kHead[] = {{1, CriuFieldKind::kNumber}};
constexpr std::uint32_t kAddress = 1;
constexpr std::uint32_t kFewPages = 2;  // older CRIUs have this one alone
constexpr std::uint32_t kParent = 3;
constexpr std::uint32_t kFlags = 4;
constexpr std::uint32_t kPages = 5;
constexpr CriuField kEntry[] = {{kAddress, CriuFieldKind::kLong},
                                {kFewPages, CriuFieldKind::kNumber},
                                {kParent, CriuFieldKind::kNumber},
                                {kFlags, CriuFieldKind::kNumber},
                                {kPages, CriuFieldKind::kLong}};

Result<CriuPageRun> decode_run(std::string_view bytes, std::uint64_t free_from) {
  const auto entry = REPRISE_PASS(CriuMessage::parse(bytes, kEntry, "a page map"));
  const std::uint64_t flags = entry.number(kFlags);
  if (entry.number(kParent) != 0 || (flags & kInParent) != 0)
    return fail(ErrorCode::kUnsupported, "a page map of CRIU refers to an earlier dump");
  const CriuPageRun run{.address = entry.number(kAddress),
                        .pages = entry.has(kPages) ? entry.number(kPages) : entry.number(kFewPages),
                        .lazy = (flags & kLazy) != 0,
                        .present = (flags & kPresent) != 0};
  if (run.address % kPage != 0 || run.address < free_from || run.address > kMostAddress ||
      run.pages == 0 || run.pages > (kMostAddress - run.address) / kPage)
    return fail(ErrorCode::kCorrupt, "a page map of CRIU is damaged");
  return run;
}

// Of a mapping.
constexpr std::uint32_t kMapFlags = 6;
constexpr std::uint32_t kStatus = 7;
constexpr std::uint32_t kAdvice = 9;

// CRIU's image.h: what the kernel maps, and ranges that only say that nothing is there.
constexpr std::uint64_t kVsyscall = 1U << 2U;
constexpr std::uint64_t kVdso = 1U << 3U;
constexpr std::uint64_t kGuard = 1U << 16U;

// As CRIU's vma_entry_can_be_lazy(), which decides by itself what it registers. Older CRIUs, whose
// page maps these may be, had another one.
bool can_be_lazy(const CriuMessage& mapping) {
  constexpr std::uint64_t kAnonymous = MAP_ANONYMOUS | MAP_PRIVATE;
  constexpr std::uint64_t kWipeOnFork = std::uint64_t{1} << 18U;  // MADV_WIPEONFORK
  const std::uint64_t flags = mapping.number(kMapFlags);
  return (flags & kAnonymous) == kAnonymous && (flags & (MAP_LOCKED | MAP_HUGETLB)) == 0 &&
         (mapping.number(kStatus) & (kVsyscall | kVdso)) == 0 &&
         (mapping.number(kAdvice) & kWipeOnFork) == 0;
}

Result<std::vector<CriuMapping>> united(std::vector<CriuMapping> mappings) {
  std::ranges::sort(mappings, {}, &CriuMapping::begin);
  std::vector<CriuMapping> result;
  for (const CriuMapping& one : mappings) {
    if (one.begin % kPage != 0 || one.end % kPage != 0 || one.end <= one.begin)
      return fail(ErrorCode::kCorrupt, "a memory image of CRIU is damaged");
    if (result.empty() || result.back().end < one.begin)
      result.push_back(one);
    else
      result.back().end = std::max(result.back().end, one.end);
  }
  return result;
}

}  // namespace

Result<CriuPagemap> decode_pagemap(std::string_view file) {
  constexpr std::size_t kMost = 100'000'000;
  const auto messages = REPRISE_PASS(criu_messages(file, kPagemapMagic, "a page map", kMost));
  if (messages.empty()) return fail(ErrorCode::kCorrupt, "a page map of CRIU is empty");
  CriuPagemap pagemap;
  pagemap.file = static_cast<std::uint32_t>(
      REPRISE_PASS(CriuMessage::parse(messages.front(), kHead, "a page map")).number(1));
  pagemap.runs.reserve(messages.size() - 1);
  std::uint64_t end = 0;
  for (std::size_t i = 1; i < messages.size(); ++i) {
    pagemap.runs.push_back(REPRISE_PASS(decode_run(messages[i], end)));
    end = pagemap.runs.back().address + pagemap.runs.back().pages * kPage;
  }
  return pagemap;
}

std::string encode_pagemap(const CriuPagemap& pagemap) {
  std::string file = encode_criu_image(kPagemapMagic, CriuMessageWriter().add(1, pagemap.file));
  for (const CriuPageRun& run : pagemap.runs) {
    CriuMessageWriter entry;
    entry.add(kAddress, run.address)
        .add(kFewPages, 0)  // required, and read where the other one is missing
        .add(kFlags, (run.lazy ? kLazy : 0) | (run.present ? kPresent : 0))
        .add(kPages, run.pages);
    append_message(file, entry.bytes());
  }
  return file;
}

Result<std::vector<CriuMapping>> decode_eager_mappings(std::string_view file) {
  constexpr CriuField kMemory[] = {
      {1, CriuFieldKind::kLong},   {2, CriuFieldKind::kLong},   {3, CriuFieldKind::kLong},
      {4, CriuFieldKind::kLong},   {5, CriuFieldKind::kLong},   {6, CriuFieldKind::kLong},
      {7, CriuFieldKind::kLong},   {8, CriuFieldKind::kLong},   {9, CriuFieldKind::kLong},
      {10, CriuFieldKind::kLong},  {11, CriuFieldKind::kLong},  {12, CriuFieldKind::kNumber},
      {13, CriuFieldKind::kLongs}, {14, CriuFieldKind::kMany},  {15, CriuFieldKind::kSigned},
      {16, CriuFieldKind::kMany},  {17, CriuFieldKind::kNumber}};
  constexpr std::uint32_t kMappings = 14;
  constexpr CriuField kMapping[] = {{1, CriuFieldKind::kLong},   {2, CriuFieldKind::kLong},
                                    {3, CriuFieldKind::kLong},   {4, CriuFieldKind::kLong},
                                    {5, CriuFieldKind::kNumber}, {6, CriuFieldKind::kNumber},
                                    {7, CriuFieldKind::kNumber}, {8, CriuFieldKind::kLong},
                                    {9, CriuFieldKind::kLong},   {10, CriuFieldKind::kNumber}};
  const auto message = REPRISE_PASS(first_criu_message(file, kMmMagic, "a memory image"));
  const auto memory = REPRISE_PASS(CriuMessage::parse(message, kMemory, "a memory image"));
  std::vector<CriuMapping> eager;
  for (const std::string_view bytes : memory.many(kMappings)) {
    const auto mapping = REPRISE_PASS(CriuMessage::parse(bytes, kMapping, "a mapping"));
    if ((mapping.number(kStatus) & kGuard) == 0 && !can_be_lazy(mapping))
      eager.push_back({.begin = mapping.number(1), .end = mapping.number(2)});
  }
  return united(std::move(eager));
}

}  // namespace reprise::image
