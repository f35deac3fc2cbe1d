// SPDX-License-Identifier: Apache-2.0
#include "host/begin_worker.h"

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <utility>

#include "base/fault.h"
#include "host/abandoned_sessions.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::host {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// A worker is up in a fraction of this, on a host that is very busy as well.
constexpr std::chrono::seconds kGuardPatience{20};

// A worker that was not heard of in time must not come to life later, when the signal is delivered.
// What it said before it was killed counts.
Result<std::optional<std::string>> first_word(WorkerLink& worker) {
  auto message = worker.socket.receive(kGuardPatience);
  if (message || message.error().code() != ErrorCode::kBusy) return message;
  if (const auto process = sys::open_pidfd(worker.pid)) [[maybe_unused]]
    const auto sent = sys::send_signal(*process, SIGKILL);
  return worker.socket.receive(kGuardPatience);
}

Result<WorkerLink> start(const WorkerRequest& request, const sys::FileLock& lock) {
  WorkerLink worker = REPRISE_PASS(start_worker(request, &lock));
  if (REPRISE_PASS(first_word(worker))) return worker;
  return std::unexpected(
      Error(ErrorCode::kGone, "'reprise-worker' ended before it could begin")
          .with_hint(
              "is the host out of memory, or a library of it missing? Try 'reprise-worker'"));
}

}  // namespace

Result<WorkerLink> begin_worker(const Layout& layout, const WorkerRequest& request,
                                const sys::FileLock& lock) {
  REPRISE_TRY(note_request(layout, request), "noting the session");
  REPRISE_PASS(base::fault_point("runtime-noted"));
  Result<WorkerLink> worker = start(request, lock);
  if (worker) return worker;
  Error error = std::move(worker).error();
  if (const Result<void> removed = sys::remove_tree(layout.session_run_directory(request.session));
      !removed)
    error = std::move(error).with_suppressed(removed.error());
  return std::unexpected(std::move(error));
}

}  // namespace reprise::host
