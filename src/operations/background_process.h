// SPDX-License-Identifier: Apache-2.0
//
// Commands of `reprise` that run when nobody waits, and outlive whoever started them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace reprise::operations {

// Starts `reprise ARGUMENTS…` with no terminal and nothing on its standard descriptors. kNotFound
// if `reprise` is not where it was installed.
base::Result<void> start_in_background(const std::vector<std::string>& arguments);

}  // namespace reprise::operations
