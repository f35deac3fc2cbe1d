// SPDX-License-Identifier: Apache-2.0
//
// Structured logging for whoever handles an error. Libraries return errors instead of logging.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace reprise::base {

enum class LogLevel : unsigned char { kDebug, kInfo, kWarn, kError, kBug };

// Keys are the same everywhere: op, container, checkpoint, step, duration_ms.
using LogFields = std::vector<std::pair<std::string_view, std::string>>;

// Sends this process's log to `path` (appended, created 0600), one JSON object per line. Without a
// call, or if the file cannot be opened, the log goes nowhere: a runtime's stderr belongs to its
// caller. Call once, before threads.
void open_log(const std::string& path) noexcept;

// Never fails and never throws: what cannot be logged is dropped.
void log(LogLevel level, std::string_view message, const LogFields& fields = {}) noexcept;

// For an error that changes nothing for the caller: a warning that names it and its `consequence`.
// Nothing if there is none.
template <typename T>
void warn_and_ignore(const Result<T>& result, std::string_view consequence) {
  if (!result)
    log(LogLevel::kWarn, std::string(consequence) + ", ignoring",
        {{"error", result.error().message()}});
}

}  // namespace reprise::base
