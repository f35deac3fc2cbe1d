// SPDX-License-Identifier: Apache-2.0
//
// What `reprise doctor` prints.
#pragma once

#include <ostream>
#include <vector>

#include "operations/diagnosis/findings.h"

namespace reprise::cli {

// A table for people; returns the worst health.
operations::Health print_findings(std::ostream& out,
                                  const std::vector<operations::Finding>& findings);

}  // namespace reprise::cli
