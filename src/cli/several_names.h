// SPDX-License-Identifier: Apache-2.0
//
// Commands that take several names: each is tried, whatever happens to the others.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "cli/output.h"

namespace reprise::cli {

// Calls `work(name)`, a Result<int>, for each name. Errors are printed as "CANNOT 'NAME': …".
// Returns the first exit status that is not 0.
template <typename Work>
int for_each_name(Io& io, const std::vector<std::string>& names, std::string_view cannot,
                  Work&& work) {
  int status = kDone;
  for (const std::string& name : names) {
    base::Result<int> result = work(name);
    int one = 0;
    if (result) {
      one = *result;
    } else {
      one = base::exit_code(result.error().code());
      print_error(io.err,
                  std::move(result).error().with_step(std::string(cannot) + " '" + name + "'"));
    }
    if (status == kDone) status = one;
  }
  return status;
}

}  // namespace reprise::cli
