// SPDX-License-Identifier: Apache-2.0
//
// Which OCI runtime Podman is told to use.
#pragma once

#include <string>

#include "base/result.h"
#include "operations/node.h"

namespace reprise::operations {

// What somebody named; the name `reprise` if Podman knows it; else the path of reprise-runtime
// beside this program or in ../libexec/reprise. kNotFound, with a hint, if there is none.
base::Result<std::string> choose_runtime(const Node& node);

}  // namespace reprise::operations
