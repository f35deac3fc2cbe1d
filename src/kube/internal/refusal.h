// SPDX-License-Identifier: Apache-2.0
//
// What the API server says when it does not do what was asked.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace reprise::kube {

// A request, as RBAC and people name it.
struct Asked {
  std::string_view server;
  std::string_view verb;  // of RBAC: "get", "list", "watch", "create", "update", "patch", "delete"
  std::string_view path;
};

// The error of an answer that is no success. `body` is a Status, or anything.
base::Error refusal(const Asked& asked, long status, std::string_view body);

// The same of a Status that comes as an event of a watch.
base::Error refusal_in_stream(const Asked& asked, const nlohmann::json& status);

// Whether the server says that a later resourceVersion was asked for than it has, as after a
// restore of its database: what we know is of another history.
bool is_of_another_history(std::string_view body);

}  // namespace reprise::kube
