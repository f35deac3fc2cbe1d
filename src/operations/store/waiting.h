// SPDX-License-Identifier: Apache-2.0
//
// What waits until a person has looked after it, and is told of until then.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "host/layout.h"
#include "operations/node.h"

namespace reprise::operations {

struct Waiting {
  std::string what;
  std::string remedy;
};

// Of sessions: what they did that could not be undone, and those that nobody could read (below
// RUN/set-aside); of the catalog: rows that 'store repair' put aside. In order of their names.
base::Result<std::vector<Waiting>> set_aside(const host::Layout& layout);

// Remotes that do not get what they are to get on their own. None without a store.
base::Result<std::vector<Waiting>> failing_uploads(const Node& node);

// Rows of the catalog that lists leave out. None without a store.
base::Result<std::vector<Waiting>> unreadable_rows(const Node& node);

}  // namespace reprise::operations
