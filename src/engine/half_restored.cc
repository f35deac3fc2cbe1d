// SPDX-License-Identifier: Apache-2.0
#include "engine/half_restored.h"

#include <chrono>
#include <utility>

#include "container/runc_state.h"
#include "sys/child.h"
#include "sys/files.h"

namespace reprise::engine {

using base::Result;

namespace {

Result<void> delete_by_runc(const HalfRestored& container) {
  std::vector<std::string> argv = {container.runc.string()};
  argv.insert(argv.end(), container.runtime_args.begin(), container.runtime_args.end());
  argv.insert(argv.end(), {"delete", "--force", container.container.str()});
  constexpr std::chrono::seconds kLimit{20};
  REPRISE_TRY(sys::run_ok(std::move(argv), kLimit), "removing what was restored");
  return {};
}

}  // namespace

Result<void> remove_half_restored(const HalfRestored& container) {
  REPRISE_PASS(container::release_restore_root(container.runtime_args, container.container));
  const Result<void> deleted = delete_by_runc(container);
  REPRISE_PASS(
      sys::remove_tree(container::runc_directory(container.runtime_args, container.container)));
  return deleted;
}

}  // namespace reprise::engine
