// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/mountinfo, parsed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/files.h"

namespace reprise::sys {

struct Mount {
  std::string device;         // of the file system: "254:0"
  std::string root;           // the directory of the file system that is mounted
  std::string mount_point;    // unescaped
  std::string mount_options;  // of this mount alone: "rw,nosuid"
  std::string type;           // "overlay", "tmpfs", …
  std::string source;
  std::string super_options;  // as the kernel writes them, escaped: read them with `option()`

  // The value of `name=` in super_options, unescaped.
  [[nodiscard]] std::optional<std::string> option(std::string_view name) const;
};

// Pure; lines that do not look like mountinfo are skipped. proc_pid_mountinfo(5).
std::vector<Mount> parse_mountinfo(std::string_view text);

// The topmost mount at exactly `mount_point` as this process sees it.
Result<std::optional<Mount>> find_mount(const path& mount_point);

}  // namespace reprise::sys
