// SPDX-License-Identifier: Apache-2.0
//
// A session that somebody asks for, and the log files that it left.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "image/criu_log.h"

namespace reprise::operations {

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

// By its id, a unique beginning of one, or the newest of a container, by whatever finds that.
base::Result<catalog::SessionRow> find_session(catalog::Catalog& catalog,
                                               const std::string& wanted);

}  // namespace reprise::operations
