// SPDX-License-Identifier: Apache-2.0
//
// The commands of `kubectl reprise`: each answers with its exit status.
#pragma once

#include <ostream>
#include <string>

#include "base/result.h"
#include "kubectl/api.h"
#include "kubectl/subject.h"

namespace reprise::kubectl {

// What a command is asked, whom it asks, and where it answers.
struct Asked {
  Subject subject;
  std::string name_space;
  bool json = false;
  Api api;
  std::ostream& out;
  std::ostream& err;  // progress
};

// The pods that a subject, which is no node, has. kNotFound if it has none.
base::Result<std::vector<nlohmann::json>> pods_of(const Asked& asked);

// The collection of CheckpointRequests of its namespace.
std::string requests_path(const Asked& asked);

base::Result<int> doctor(const Asked& asked);
// kNotFound where neither the object is there nor a Checkpoint tells of it.
base::Result<int> lives(const Asked& asked);
// Has pods saved now, which run on; waits until they are. 1 where one was not, or cannot be.
base::Result<int> checkpoint(const Asked& asked);

}  // namespace reprise::kubectl
