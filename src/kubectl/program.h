// SPDX-License-Identifier: Apache-2.0
//
// `kubectl reprise`: what a user of a cluster asks about pods. It is the program `reprise` under
// the name `kubectl-reprise`, by which kubectl finds it; it asks the API server by way of kubectl.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace reprise::kubectl {

// Whether a program was called by this name.
bool is_called_so(const std::string& argument_zero);

// `args` is without the program's name. The exit status: 0; of `doctor` 1 if the pod would not be
// saved; base::exit_code() of an error.
int run(std::vector<std::string> args, std::ostream& out, std::ostream& err);

}  // namespace reprise::kubectl
