// SPDX-License-Identifier: Apache-2.0
#include "sys/mountinfo.h"

#include <sstream>

namespace reprise::sys {
namespace {

// The kernel writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](std::size_t k) { return text[k] >= '0' && text[k] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                  (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

// At single spaces: a source may be empty (`mount -t tmpfs "" /x`).
std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t space = line.find(' ');
    fields.push_back(line.substr(0, space));
    if (space == std::string_view::npos) return fields;
    line.remove_prefix(space + 1);
  }
}

std::optional<Mount> parse_line(std::string_view line) {
  constexpr std::size_t kDevice = 2;
  constexpr std::size_t kRoot = 3;
  constexpr std::size_t kMountPoint = 4;
  constexpr std::size_t kMountOptions = 5;
  constexpr std::size_t kFirstOptional = 6;
  const std::vector<std::string_view> fields = split(line);
  std::size_t separator = kFirstOptional;
  while (separator < fields.size() && fields[separator] != "-") ++separator;
  if (separator + 3 >= fields.size()) return std::nullopt;
  return Mount{.device = std::string(fields[kDevice]),
               .root = unescape(fields[kRoot]),
               .mount_point = unescape(fields[kMountPoint]),
               .mount_options = std::string(fields[kMountOptions]),
               .type = std::string(fields[separator + 1]),
               .source = unescape(fields[separator + 2]),
               .super_options = std::string(fields[separator + 3])};
}

}  // namespace

std::optional<std::string> Mount::option(std::string_view name) const {
  std::string_view rest = super_options;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    if (item.size() > name.size() && item.starts_with(name) && item[name.size()] == '=')
      return unescape(item.substr(name.size() + 1));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return std::nullopt;
}

std::vector<Mount> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);)
    if (std::optional<Mount> mount = parse_line(line)) mounts.push_back(std::move(*mount));
  return mounts;
}

Result<std::optional<Mount>> find_mount(const path& mount_point) {
  const std::string text = REPRISE_PASS(read_file("/proc/self/mountinfo"));
  std::optional<Mount> found;  // later lines are mounted over earlier ones
  for (Mount& mount : parse_mountinfo(text))
    if (mount.mount_point == mount_point.string()) found = std::move(mount);
  return found;
}

}  // namespace reprise::sys
