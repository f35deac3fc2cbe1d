// SPDX-License-Identifier: Apache-2.0
//
// One restore, from claim to outcome. The runtime wrapper holds the claim and runs `runc restore`
// itself, because the restored init must become a child of the wrapper's parent (conmon, a shim);
// this session prepares everything before and settles everything after.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "container/oci_spec.h"
#include "session/context.h"

namespace reprise::session {

// If it fails, the host is as before (what was unpacked or set up is undone), and the checkpoint
// and its claim are untouched: the wrapper decides what becomes of the claim.
class RestoreSession {
 public:
  explicit RestoreSession(Context& context);
  // Blocks until the outcome, which it also records and reports. Never fails: a failure is an
  // outcome. A wrapper that dies in between counts as a failure.
  container::WorkerEvent run();

 private:
  base::Result<void> prepare();
  base::Result<void> check_fit() const;
  base::Result<void> prepare_shm();
  base::Result<void> prepare_network();
  base::Result<void> await_runc();
  void settle_network();
  container::WorkerEvent record(const base::Result<void>& result);

  Context& context_;
  Phases phases_;
  base::UnixMillis begin_;
  std::optional<container::OciSpec> spec_;
  std::unique_ptr<store::CheckpointReader> reader_;
  std::vector<std::string> adopted_;
};

// Undoes what a restore prepared on the host: files in /dev/shm, adopted addresses. Also for the
// guard of a worker that was killed. Returns the first error, and goes on after it.
base::Result<void> undo_restore_preparation(const Context& context);

}  // namespace reprise::session
