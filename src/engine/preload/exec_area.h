// SPDX-License-Identifier: Apache-2.0
//
// Where code can be put into a process by ptrace(2), from /proc/PID/maps and without allocating,
// for the library that is preloaded into CRIU.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace reprise::engine::preload {

struct Area {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  bool writable = false;
  bool executable = false;
  bool shared = false;

  // The kernel writes for a debugger where it can give the process a page of its own. To a shared
  // mapping it does not, unless the process itself may write there.
  [[nodiscard]] constexpr bool can_be_poked() const noexcept { return !shared || writable; }
  [[nodiscard]] constexpr bool has(std::uint64_t address) const noexcept {
    return address >= start && address < end;
  }
};

constexpr std::optional<std::uint64_t> take_hex(std::string_view& text) noexcept {
  constexpr std::uint64_t kBase = 16;
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (; digits < text.size(); ++digits) {
    const char c = text[digits];
    if (c >= '0' && c <= '9')
      value = value * kBase + static_cast<std::uint64_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      value = value * kBase + static_cast<std::uint64_t>(c - 'a') + 10;
    else
      break;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

// "7f00-7f10 r-xp …": the beginning of a line is enough.
constexpr std::optional<Area> parse_area(std::string_view line) noexcept {
  constexpr std::size_t kPermissions = 5;  // with the blank before
  Area area;
  const auto start = take_hex(line);
  if (!start || !line.starts_with('-')) return std::nullopt;
  line.remove_prefix(1);
  const auto end = take_hex(line);
  if (!end || line.size() < kPermissions || line[0] != ' ') return std::nullopt;
  area.start = *start;
  area.end = *end;
  area.writable = line[2] == 'w';
  area.executable = line[3] == 'x';
  area.shared = line[4] == 's';
  return area;
}

// CRIU puts a few instructions into the first executable area of this size (compel/infect.h).
inline constexpr std::uint64_t kLeastArea = 4096;

// Fed with all areas of a process, in their order: where CRIU goes, and where it could go instead.
class ExecAreas {
 public:
  constexpr void add(const Area& area) noexcept {
    // The page by which old programs of 64 bits ask the kernel for the time lies in the kernel.
    constexpr std::uint64_t kKernel = std::uint64_t{1} << 63U;
    if (!area.executable || area.start >= kKernel || area.end - area.start < kLeastArea) return;
    if (first.end == 0) first = area;
    if (instead.end == 0 && !area.shared) instead = area;
  }
  [[nodiscard]] constexpr bool needs_detour() const noexcept {
    return first.end != 0 && !first.can_be_poked();
  }

  Area first;    // end 0: there is none
  Area instead;  // private; end 0: there is none
};

}  // namespace reprise::engine::preload
