// SPDX-License-Identifier: Apache-2.0
#include "operations/background_process.h"

#include <unistd.h>

#include <filesystem>

#include "sys/child.h"
#include "sys/files.h"

namespace reprise::operations {

using base::ErrorCode;
using base::Result;

namespace {

// Beside a worker in libexec/reprise, or beside whoever else calls.
Result<std::filesystem::path> find_reprise() {
  const std::filesystem::path here = REPRISE_PASS(sys::executable_directory());
  for (const auto& candidate : {here / "reprise", here.parent_path().parent_path() / "bin/reprise"})
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  return base::fail(ErrorCode::kNotFound, "'reprise' is not where it was installed");
}

}  // namespace

Result<void> start_in_background(const std::vector<std::string>& arguments) {
  const std::filesystem::path program = REPRISE_PASS(find_reprise());
  sys::SpawnOptions options{.env = sys::default_environment(), .new_session = true};
  options.argv = {program.string()};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  REPRISE_PASS(sys::Child::spawn(options)).detach();
  return {};
}

}  // namespace reprise::operations
