// SPDX-License-Identifier: Apache-2.0
//
// A hold is a lock that any number may share, on a file of the checkpoint's id; whoever removes the
// checkpoint has it alone. The kernel ends it with the last process that has it, so nothing is left
// to be believed after a kill or a power cut but an empty file.
#include "store/holds.h"

#include "sys/exists.h"
#include "sys/files.h"
#include "sys/shared_lock.h"

namespace reprise::store {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;
using base::Result;
using std::filesystem::path;

RemovalLock::~RemovalLock() {
  if (!lock_.fd().valid()) return;
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

Result<sys::FileLock> hold_checkpoint(const path& holds, const CheckpointId& id) {
  constexpr std::chrono::seconds kOthersLook{5};  // who asks whether it is held has it for that
  REPRISE_PASS(sys::make_directories(holds));
  return sys::lock_shared(holds / id.str(), kOthersLook);
}

Result<RemovalLock> lock_for_removal(const path& holds, const CheckpointId& id) {
  REPRISE_PASS(sys::make_directories(holds));
  auto lock = sys::FileLock::try_lock(holds / id.str());
  if (lock) return RemovalLock(holds / id.str(), std::move(*lock));
  if (lock.error().code() != ErrorCode::kBusy) return std::unexpected(lock.error());
  return std::unexpected(
      Error(ErrorCode::kBusy,
            "a restored container still gets its memory from checkpoint '" + id.str() + "'")
          .with_hint("try again when 'reprise ps' does not say 'filling' any more"));
}

Result<std::vector<CheckpointId>> held_checkpoints(const path& holds) {
  std::vector<CheckpointId> held;
  if (!REPRISE_PASS(sys::exists(holds))) return held;
  for (const std::string& name : REPRISE_PASS(sys::names_in(holds))) {
    const auto id = CheckpointId::parse(name);
    if (!id) continue;
    const auto lock = lock_for_removal(holds, *id);
    if (lock) continue;
    if (lock.error().code() != ErrorCode::kBusy) return std::unexpected(lock.error());
    held.push_back(*id);
  }
  return held;
}

}  // namespace reprise::store
