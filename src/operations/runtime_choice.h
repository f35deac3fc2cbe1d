// SPDX-License-Identifier: Apache-2.0
//
// Which OCI runtime Podman is told to use.
#pragma once

#include <string>

#include "base/result.h"

namespace reprise::operations {

// REPRISE_RUNTIME if set; the name `reprise` if Podman knows it; else the path of reprise-runtime
// beside this program or in ../libexec/reprise. kNotFound, with a hint, if there is none.
base::Result<std::string> choose_runtime();

}  // namespace reprise::operations
