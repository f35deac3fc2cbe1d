// SPDX-License-Identifier: Apache-2.0
#include "worker/unheard.h"

#include <chrono>

#include "base/log.h"
#include "host/begin_worker.h"
#include "host/message.h"
#include "host/request.h"

namespace reprise::worker {

using base::ErrorCode;
using base::Result;

namespace {

// A caller that is stopped, or starved, is not one that was killed.
Result<bool> was_heard(sys::MessageSocket& caller) {
  constexpr std::chrono::seconds kPatience{30};
  const auto message = caller.receive(kPatience);
  if (!message && message.error().code() == ErrorCode::kBusy) return true;
  if (!message) return std::unexpected(message.error());
  return message->has_value() && host::is_heard(**message);
}

}  // namespace

Result<void> checkpoint_unless_heard(const session::GuardedSession& guarded,
                                     const sys::FileLock& lock) {
  const auto& restore = guarded.request;
  if (!restore.restore().acknowledges || REPRISE_PASS(was_heard(*guarded.caller))) return {};
  base::log(base::LogLevel::kWarn, "nobody heard that the container runs, checkpointing it",
            {{"container", restore.container.str()}});
  const host::WorkerRequest request{
      .session = base::SessionId::random(),
      .container = restore.container,
      .key = restore.key,
      .runtime_args = restore.runtime_args,
      .name_space = restore.name_space,
      .lock_passed = true,
      .what = host::CheckpointRequest{
          .end = true, .trigger = image::Trigger::kStop, .tag = {}, .name = {}}};
  REPRISE_PASS(host::begin_worker(guarded.layout, request, lock));
  return {};
}

}  // namespace reprise::worker
