// SPDX-License-Identifier: Apache-2.0
#include "archive/entry_name.h"

#include <algorithm>
#include <array>

namespace reprise::archive {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::unexpected<base::Error> refuse(std::string_view raw, const std::string& why) {
  return fail(ErrorCode::kCorrupt, in_ticks(raw) + ": the name " + why);
}

Result<void> check_parts(std::string_view raw, std::string_view name) {
  std::size_t depth = 0;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part == "..") return refuse(raw, "has a part '..'");
    if (part.empty() || part == ".") return refuse(raw, "has an empty part");
    if (part.size() > kMaxPartLength) return refuse(raw, "has a part that is too long");
    if (++depth > kMaxDepth) return refuse(raw, "is too deep");
    begin = end + 1;
  }
  return {};
}

}  // namespace

Result<std::string> safe_name(std::string_view raw) {
  if (std::ranges::any_of(raw, is_control)) return refuse(raw, "has control characters");
  return safe_file_name(raw);
}

Result<std::string> safe_file_name(std::string_view raw) {
  if (raw.empty()) return refuse(raw, "is empty");
  if (raw.size() > kMaxNameLength) return refuse(raw, "is too long");
  if (raw.front() == '/') return refuse(raw, "is absolute");
  if (raw.contains('\0')) return refuse(raw, "has a NUL");
  std::string_view name = raw;
  if (name == "." || name == "./") return std::string(".");
  if (name.starts_with("./")) name.remove_prefix(2);
  if (name.ends_with('/')) name.remove_suffix(1);
  REPRISE_PASS(check_parts(raw, name));
  return std::string(name);
}

std::string in_ticks(std::string_view name) {
  constexpr std::size_t kShown = 120;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string result = "'";
  for (const char c : name.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (!is_control(c) && byte < 0x80) {
      result += c;
    } else {
      result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 0xf]};
    }
  }
  return result + (name.size() > kShown ? "…'" : "'");
}

std::string_view parent_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? "." : name.substr(0, slash);
}

std::string_view last_part_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

}  // namespace reprise::archive
