// SPDX-License-Identifier: Apache-2.0
#include "operations/container/runtime_choice.h"

#include <unistd.h>

#include <filesystem>

#include "podman/client.h"
#include "sys/files.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::Result;

Result<std::string> choose_runtime(const Node& node) {
  if (!node.runtime.empty()) return node.runtime;
  if (REPRISE_PASS(podman::knows_runtime("reprise"))) return std::string("reprise");
  const std::filesystem::path here = REPRISE_PASS(sys::executable_directory());
  for (const auto& candidate :
       {here / "reprise-runtime", here.parent_path() / "libexec/reprise/reprise-runtime"})
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.lexically_normal().string();
  return std::unexpected(
      Error(ErrorCode::kNotFound,
            "Podman knows no OCI runtime 'reprise', and 'reprise-runtime' is "
            "neither beside this program nor in '../libexec/reprise'")
          .with_hint("install Reprise again with ./quickstart, or set REPRISE_RUNTIME"));
}

}  // namespace reprise::operations
