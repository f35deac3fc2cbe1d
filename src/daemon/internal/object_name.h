// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace reprise::daemon {

// Whether an object could be called so: what others wrote goes into paths of requests.
inline bool is_object_name(const std::string& name) {
  return !name.empty() && name.front() != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
}

}  // namespace reprise::daemon
