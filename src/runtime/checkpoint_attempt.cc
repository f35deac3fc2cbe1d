// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint_attempt.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/fault.h"
#include "container/abandoned.h"
#include "container/oci_spec.h"
#include "container/runc_state.h"
#include "container/worker_link.h"
#include "runtime/key.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::runtime {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// A worker is up in a fraction of this, on a host that is very busy as well.
constexpr std::chrono::seconds kGuardPatience{20};

container::WorkerRequest request_of(const Call& call, const container::Identity& who, int signal) {
  container::WorkerRequest request;
  request.verb = container::WorkerVerb::kCheckpoint;
  request.session = base::SessionId(base::random_id());
  request.container = who.id;
  request.key = with_key(call, who).key;
  request.runtime_args = call.arguments.state_globals();
  request.end = true;
  request.trigger = "stop";
  request.signal = signal;
  request.lock_passed = true;
  return request;
}

// A worker that was not heard of in time must not come to life later, when the signal is delivered.
// What it said before it was killed counts.
Result<std::optional<std::string>> first_word(container::WorkerLink& worker) {
  auto message = worker.socket.receive(kGuardPatience);
  if (message || message.error().code() != ErrorCode::kBusy) return message;
  if (const auto process = sys::open_pidfd(worker.pid)) [[maybe_unused]]
    const auto sent = sys::send_signal(*process, SIGKILL);
  return worker.socket.receive(kGuardPatience);
}

Result<container::WorkerLink> start(const container::WorkerRequest& request,
                                    const sys::FileLock& lock) {
  container::WorkerLink worker = REPRISE_PASS(container::start_worker(request, &lock));
  if (REPRISE_PASS(first_word(worker))) return worker;
  return std::unexpected(
      Error(ErrorCode::kGone, "'reprise-worker' ended before it could begin")
          .with_hint(
              "is the host out of memory, or a library of it missing? Try 'reprise-worker'"));
}

Result<container::WorkerLink> begin(const Call& call, const container::WorkerRequest& request,
                                    const sys::FileLock& lock) {
  REPRISE_TRY(container::note_request(call.layout, request), "noting the session");
  REPRISE_PASS(base::fault_point("runtime-noted"));
  Result<container::WorkerLink> worker = start(request, lock);
  if (worker) return worker;
  Error error = std::move(worker).error();
  // The caller is to do what was noted.
  if (const Result<void> removed =
          sys::remove_tree(call.layout.session_run_directory(request.session));
      !removed)
    error = std::move(error).with_suppressed(removed.error());
  return std::unexpected(std::move(error));
}

Result<container::WorkerEvent> outcome_of(container::WorkerLink& worker,
                                          std::chrono::milliseconds patience) {
  for (;;) {
    const auto message = REPRISE_PASS(worker.socket.receive(patience));
    if (!message) return base::fail(ErrorCode::kGone, "the worker and its guard died");
    container::WorkerEvent event = REPRISE_PASS(container::decode_worker_event(*message));
    if (event.kind == container::WorkerEventKind::kOutcome) return event;
  }
}

}  // namespace

Result<void> begin_checkpoint(const Call& call, const container::Identity& who, int signal,
                              const sys::FileLock& lock) {
  REPRISE_PASS(begin(call, request_of(call, who, signal), lock));
  return {};
}

Result<void> save_unheard(const Call& call, const container::Identity& who) {
  std::error_code unknown;
  if (!std::filesystem::exists(call.layout.restored_marker_of(who), unknown) && !unknown) return {};
  const auto state = container::load_runc_state(call.arguments.state_globals(), who.id);
  if (!state && state.error().code() == ErrorCode::kNotFound) return {};
  if (!state) return std::unexpected(state.error());
  if (!sys::is_alive(state->init)) return {};
  const auto limit = REPRISE_PASS(container::parse_wishes(state->annotations)).freeze_limit +
                     std::chrono::seconds(60);
  const sys::FileLock lock = REPRISE_TRY(sys::FileLock::lock(call.layout.lock_of(who), limit),
                                         "waiting for another session of the container");
  // Meanwhile another may have saved it.
  if (!sys::is_alive(state->init)) return {};
  container::WorkerLink worker = REPRISE_PASS(begin(call, request_of(call, who, 0), lock));
  const container::WorkerEvent outcome = REPRISE_PASS(outcome_of(worker, limit));
  if (outcome.ok) return {};
  return std::unexpected(
      Error(base::error_code_named(outcome.code),
            "it was restored and runs, although nobody started it, and cannot be checkpointed: " +
                outcome.reason)
          .with_hint(outcome.hint.empty() ? "'reprise logs' says more" : outcome.hint));
}

}  // namespace reprise::runtime
