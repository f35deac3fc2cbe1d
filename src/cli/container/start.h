// SPDX-License-Identifier: Apache-2.0
//
// How commands say what became of a start.
#pragma once

#include <string>

#include "cli/cli.h"
#include "cli/json.h"
#include "operations/container/start.h"

namespace reprise::cli {

// "NAME: resumed from checkpoint … in 0.31 s" or "NAME: started cold: …"; to stderr a line with
// what did not come back, or with what to do.
void print_start(Io& io, const std::string& name, const operations::StartOutcome& outcome);
// The same for programs.
Json start_json(const std::string& name, const operations::StartOutcome& outcome);

}  // namespace reprise::cli
