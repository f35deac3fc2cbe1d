// SPDX-License-Identifier: Apache-2.0
#include "oci/cgroups_path.h"

namespace reprise::oci {

namespace {

constexpr std::string_view kSlice = ".slice";

// "a-b.slice" lies in "a.slice": "/a.slice/a-b.slice". "-.slice" is the root.
std::string expand(std::string_view slice) {
  if (slice == "-.slice") return "";
  if (!slice.ends_with(kSlice)) return "";
  const std::string_view name = slice.substr(0, slice.size() - kSlice.size());
  std::string path;
  for (std::size_t dash = name.find('-');; dash = name.find('-', dash + 1)) {
    ((path += '/') += name.substr(0, dash)) += kSlice;
    if (dash == std::string_view::npos) return path;
  }
}

}  // namespace

std::string cgroup_directory(std::string_view cgroups_path) {
  if (cgroups_path.starts_with('/')) return std::string(cgroups_path);
  const std::size_t first = cgroups_path.find(':');
  if (first == std::string_view::npos) return "";
  const std::size_t second = cgroups_path.find(':', first + 1);
  if (second == std::string_view::npos) return "";
  const std::string_view slice = cgroups_path.substr(0, first);
  const std::string_view prefix = cgroups_path.substr(first + 1, second - first - 1);
  std::string unit(cgroups_path.substr(second + 1));
  if (unit.empty()) return "";
  if (!prefix.empty()) unit = std::string(prefix) + "-" + unit;
  return expand(slice.empty() ? "system.slice" : slice) + "/" + unit + ".scope";
}

}  // namespace reprise::oci
