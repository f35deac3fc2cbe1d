// SPDX-License-Identifier: Apache-2.0
//
// Failures of which the caller hears no more, because it must go on whatever fails.
#pragma once

#include <string_view>

#include "base/log.h"
#include "base/result.h"

namespace reprise::session {

// `consequence`: what people meet. Nothing if there is no error.
inline void log_failure(const base::Result<void>& result, std::string_view consequence) {
  if (!result)
    base::log(base::LogLevel::kError, consequence, {{"error", result.error().details()}});
}

}  // namespace reprise::session
