// SPDX-License-Identifier: Apache-2.0
#include "session/recovery.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "container/abandoned.h"
#include "container/identity.h"
#include "session/promise.h"
#include "session/settlement.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// A look at the directory may take the lock of a session that has just made it.
constexpr std::chrono::seconds kLockPatience{5};
// CRIU ends by itself once nobody answers its hook; the rest is for one that was writing.
constexpr std::chrono::seconds kToolPatience{5};

std::filesystem::path request_file(const std::filesystem::path& run_directory) {
  return run_directory / "request.json";
}

Result<Context> context_of(const container::Layout& layout, container::WorkerRequest request) {
  auto [ours, theirs] = REPRISE_PASS(sys::MessageSocket::pair());
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open_existing(layout.store));
  auto checkpoints = REPRISE_PASS(store::open_store(layout.store));
  return Context{.layout = layout,
                 .request = std::move(request),
                 .catalog = std::move(catalog),
                 .store = std::move(checkpoints),
                 .caller = std::move(ours)};
}

Error cause_of_death() {
  return Error(ErrorCode::kGone, "the worker and its guard were killed")
      .with_hint("was the host out of memory? see dmesg");
}

// Whether it was settled. The caller has found its lock free and holds it.
Result<bool> settle_one(const container::Layout& layout, const base::SessionId& session,
                        bool holds_container) {
  const auto directory = layout.session_run_directory(session);
  const Result<std::string> text = sys::read_file(request_file(directory));
  // Its process has not come that far yet, and waits for our lock; or it never did anything.
  if (!text) return false;
  const auto request = REPRISE_PASS(container::decode_worker_request(*text));
  std::optional<sys::FileLock> container;
  if (!holds_container) {
    Result<sys::FileLock> lock = sys::FileLock::try_lock(
        layout.lock_of(container::identify(request.runtime_args, request.container)));
    if (!lock && lock.error().code() == ErrorCode::kBusy) return false;
    container = REPRISE_PASS(std::move(lock));
  }
  Context context = REPRISE_PASS(context_of(layout, request));
  const auto row = context.catalog.find_session(session.str());
  // Only the guard was killed, which would have removed the directory.
  const bool has_outcome = row && row->status != "running";
  if (!has_outcome) {
    base::open_log(context.directory() / "reprise.log");
    // CRIU may hang because of a frozen cgroup. It is to end anyway.
    if (const auto thawed = thaw(request); !thawed)
      base::log(base::LogLevel::kError, "the container was not thawed",
                {{"error", thawed.error().details()}});
    settle(
        context,
        {.cause = cause_of_death(), .patience = kToolPatience, .since = Settlement::Since::kLong});
  }
  REPRISE_PASS(sys::remove_tree(directory));
  return !has_outcome;
}

// Rows of sessions that have neither an outcome nor a run directory: the host went down under them.
Result<int> finish_rows(const container::Layout& layout) {
  if (!REPRISE_PASS(store::Catalog::exists(layout.store))) return 0;
  std::error_code error;
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(layout.store));
  int settled = 0;
  for (const store::SessionRow& row : REPRISE_PASS(catalog.running_sessions())) {
    if (std::filesystem::exists(layout.session_run_directory(row.id), error)) continue;
    // Asked again: the outcome is written before the directory is removed.
    const auto now = REPRISE_PASS(catalog.find_session(row.id.str()));
    if (now.status != "running") continue;
    container::WorkerRequest request;
    request.verb = row.kind == "restore" ? container::WorkerVerb::kRestore
                                         : container::WorkerVerb::kCheckpoint;
    request.session = row.id;
    const container::Whereabouts place = container::find_by_key(row.key);
    request.container = place.id;
    request.runtime_args = place.runtime_args;
    request.trigger = row.trigger;
    request.checkpoint = row.checkpoint;
    Context context = REPRISE_PASS(context_of(layout, request));
    settle(context, {.cause = Error(ErrorCode::kGone, "the host went down during the session"),
                     .since = Settlement::Since::kLong});
    ++settled;
  }
  return settled;
}

}  // namespace

Result<sys::FileLock> note_session(const container::Layout& layout,
                                   const container::WorkerRequest& request) {
  const auto directory = layout.session_run_directory(request.session);
  REPRISE_PASS(sys::make_directories(directory));
  sys::FileLock lock =
      REPRISE_PASS(sys::FileLock::lock(container::session_lock_file(directory), kLockPatience));
  REPRISE_PASS(sys::replace_file(request_file(directory), container::encode(request)));
  return lock;
}

Result<int> settle_abandoned(const container::Layout& layout,
                             const std::optional<base::SessionId>& ours) {
  int settled = 0;
  for (const base::SessionId& session : container::abandoned_sessions(layout)) {
    const auto lock = sys::FileLock::try_lock(
        container::session_lock_file(layout.session_run_directory(session)));
    if (!lock) continue;
    if (REPRISE_TRY(settle_one(layout, session, session == ours),
                    "settling session '" + session.str() + "'"))
      ++settled;
  }
  return settled + REPRISE_PASS(finish_rows(layout));
}

}  // namespace reprise::session
