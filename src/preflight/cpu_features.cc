// SPDX-License-Identifier: Apache-2.0
#include "preflight/cpu_features.h"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

namespace reprise::preflight {

namespace {

// The kernel's names of what compilers and libraries choose by, on x86, by their beginnings. Not
// what only the kernel uses, nor what newer microcode or another kernel takes away from the same
// CPU although it still works (RDRAND, RDSEED), or hardly anybody uses (RTM).
constexpr auto kUsed = std::to_array<std::string_view>(
    {"abm",  "adx",    "aes", "amx",       "avx",     "bmi",       "clflushopt", "clwb",
     "cx16", "f16c",   "fma", "gfni",      "lahf_lm", "mmx",       "movbe",      "movdir",
     "pni",  "popcnt", "sha", "pclmulqdq", "sm3",     "sm4",       "sse",        "ssse3",
     "tbm",  "vaes",   "xop", "waitpkg",   "xsavec",  "vpclmulqdq"});

bool is_used(const std::string& flag) {
  return std::ranges::any_of(kUsed, [&](std::string_view one) { return flag.starts_with(one); });
}

std::set<std::string> words_of(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::set<std::string> found;
  for (std::string word; words >> word;) found.insert(word);
  return found;
}

std::string joined(const std::set<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) (text += text.empty() ? "" : between) += word;
  return text;
}

}  // namespace

std::string cpu_features(std::string_view cpuinfo) {
  std::istringstream lines{std::string(cpuinfo)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    const bool x86 = line.starts_with("flags");
    // "Features" of 64-bit ARM are those of programs.
    if (colon == std::string::npos || (!x86 && !line.starts_with("Features"))) continue;
    auto features = words_of(std::string_view(line).substr(colon + 1));
    if (x86) std::erase_if(features, [](const std::string& flag) { return !is_used(flag); });
    return joined(features, " ");
  }
  return {};
}

std::string missing_features(std::string_view needed, std::string_view present) {
  const auto has = words_of(present);
  auto missing = words_of(needed);
  std::erase_if(missing, [&has](const std::string& one) { return has.contains(one); });
  return joined(missing, ", ");
}

}  // namespace reprise::preflight
