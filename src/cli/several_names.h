// SPDX-License-Identifier: Apache-2.0
//
// Commands that take several names: each is tried, whatever happens to the others.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"

namespace reprise::cli {

// What became of one name.
struct NameResult {
  int status = kDone;  // exit status
  std::string lines;   // for people
  Json record;         // for --json
};

enum class Form : bool { kText, kJson };

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

// The same for `work(name)`, a Result<NameResult>: its lines are printed at once, or all records
// in the end as {"COLLECTION": […]}, in which an error is {"name", "error", "hint"}.
template <typename Work>
int report_each_name(Io& io, const std::vector<std::string>& names, std::string_view cannot,
                     Form form, const char* collection, Work&& work) {
  Json records = Json::array();
  const int status =
      for_each_name(io, names, cannot, [&](const std::string& name) -> base::Result<int> {
        base::Result<NameResult> result = work(name);
        if (!result) {
          records.push_back({{"name", name},
                             {"error", result.error().message()},
                             {"hint", result.error().hint()}});
          return std::unexpected(std::move(result).error());
        }
        if (form == Form::kText) io.out << result->lines;
        records.push_back(std::move(result->record));
        return result->status;
      });
  if (form == Form::kJson) print_json(io.out, {{collection, std::move(records)}});
  return status;
}

}  // namespace reprise::cli
