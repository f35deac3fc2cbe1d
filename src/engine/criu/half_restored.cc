// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/half_restored.h"

#include <chrono>

#include "oci/runtime.h"
#include "sys/files.h"

namespace reprise::engine {

using base::Result;

Result<void> remove_half_restored(const oci::Runtime& runtime, const base::ContainerId& id) {
  constexpr std::chrono::seconds kLimit{20};
  REPRISE_PASS(runtime.release_restore_root(id));
  const Result<void> removed = runtime.remove(id, kLimit);
  REPRISE_PASS(sys::remove_tree(runtime.directory_of(id)));
  REPRISE_TRY(removed, "removing what was restored");
  return {};
}

}  // namespace reprise::engine
