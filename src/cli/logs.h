// SPDX-License-Identifier: Apache-2.0
//
// The log files that a session left.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/criu_log.h"

namespace reprise::cli {

struct LogFile {
  std::filesystem::path path;
  std::string text;
};

struct SessionLogs {
  std::vector<LogFile> files;               // those that exist, CRIU's first
  std::optional<image::CriuFinding> cause;  // the line that matters
  std::string cause_file;                   // in which it stands
};

enum class Cause : unsigned char { kNone, kFind };

// Reads reprise.log, dump.log, restore.log and runc.log of a session's log directory. Missing files
// are left out. The logs of a session that went well hold errors that did no harm, so there is no
// cause to look for.
base::Result<SessionLogs> load_session_logs(const std::filesystem::path& directory, Cause find);

}  // namespace reprise::cli
