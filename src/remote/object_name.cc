// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "remote/object_store.h"

namespace reprise::remote {

using base::ErrorCode;
using base::fail;

namespace {

bool is_part(std::string_view part) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return !part.empty() && part.front() != '.' &&
         part.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

Result<void> check_object_name(std::string_view name) {
  constexpr std::size_t kLongest = 255;
  bool ok = name.size() <= kLongest;
  for (std::string_view rest = name; ok;) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    ok = is_part(rest.substr(0, slash));
    if (slash == rest.size()) break;
    rest.remove_prefix(slash + 1);
  }
  if (ok) return {};
  return fail(ErrorCode::kInvalidInput, "'" + std::string(name) + "' is no name of an object");
}

}  // namespace reprise::remote
