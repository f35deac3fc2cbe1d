// SPDX-License-Identifier: Apache-2.0
#include "session/recovery.h"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <ranges>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.h"
#include "host/abandoned_sessions.h"
#include "host/identity.h"
#include "host/layout.h"
#include "host/request.h"
#include "session/filling.h"
#include "session/freeze.h"
#include "session/promised_signal.h"
#include "session/sealed.h"
#include "session/settlement.h"
#include "session/undo/journal.h"
#include "store/open_catalog.h"
#include "store/store.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

namespace {

// A look at the directory may take the lock of a session that has just made it.
constexpr std::chrono::seconds kLockPatience{5};
// CRIU ends by itself once nobody answers its hook; the rest is for one that was writing.
constexpr std::chrono::seconds kToolPatience{5};

Result<Context> context_of(const host::Layout& layout, const store::StoreConfig& config,
                           host::WorkerRequest request) {
  auto [ours, theirs] = REPRISE_PASS(sys::MessageSocket::pair());
  store::Store store = REPRISE_PASS(store::open_existing(config));
  auto engine = engine_for(layout, request.session, nullptr);
  return Context{.layout = layout,
                 .request = std::move(request),
                 .store = std::move(store),
                 .caller = std::move(ours),
                 .engine = std::move(engine)};
}

Error cause_of_death() {
  return Error(ErrorCode::kGone, "the worker and its guard were killed")
      .with_hint("was the host out of memory? see dmesg");
}

host::WorkerRequest request_of(const catalog::SessionRow& row) {
  const host::Whereabouts place = host::find_by_key(row.key);
  host::WorkerRequest request{.session = row.id,
                              .container = place.id,
                              .key = row.key,
                              .runtime_args = place.state_args,
                              .what = {}};
  if (row.kind == catalog::SessionKind::kRestore)
    request.what = host::RestoreRequest{
        .bundle = {}, .checkpoint = row.checkpoint, .globals = {}, .options = {}};
  else
    request.what = host::CheckpointRequest{
        .trigger = image::parse_trigger(row.trigger).value_or(image::Trigger::kRequest),
        .tag = {},
        .name = {}};
  return request;
}

// Nothing of it can be put right by us; and it must not stand in the way of what can.
Error set_aside(const host::Layout& layout, const base::SessionId& session, Error why) {
  const auto to = layout.run / "set-aside";
  Result<void> moved = sys::make_directories(to);
  if (moved) moved = sys::rename_durably(layout.session_run_directory(session), to / session.str());
  if (!moved) return std::move(why).with_suppressed(moved.error());
  return std::move(why).with_hint("it was put aside, in '" + (to / session.str()).string() + "'");
}

// What a session was to do. nullopt if its process has not come that far yet, and waits for our
// lock; or it never did anything.
Result<std::optional<host::WorkerRequest>> find_request(const host::Layout& layout,
                                                        const store::StoreConfig& config,
                                                        const base::SessionId& session) {
  const auto noted = load_request(layout, session);
  if (noted) return *noted;
  if (noted.error().error_number() == ENOENT) return std::nullopt;
  if (noted.error().error_number() != 0) return std::unexpected(noted.error());
  // Another version wrote it. The row of the session has what matters most.
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(config));
  const auto row = catalog.find_session(session.str());
  if (row) return request_of(*row);
  if (row.error().code() != ErrorCode::kNotFound) return std::unexpected(row.error());
  return std::unexpected(set_aside(layout, session, noted.error()));
}

Result<bool> has_outcome(Context& context) {
  const auto row = context.store.catalog.find_session(context.request.session.str());
  if (!row && row.error().code() == ErrorCode::kNotFound) return false;
  return REPRISE_PASS(row).status != catalog::SessionStatus::kRunning;
}

Result<void> settle_without_outcome(Context& context) {
  // Before a sealed container could run on by our doing.
  if (!context.request.is_restore())
    REPRISE_PASS(find_sealed(*context.store.checkpoints, context.layout, context.request.session));
  base::open_log(context.directory() / "reprise.log");
  settle(context,
         {.cause = cause_of_death(), .patience = kToolPatience, .since = Settlement::Since::kLong});
  return {};
}

// What a process left that was killed before it noted what it was to do, or after it had removed
// the rest. Of one that is young its owner may be about to wait for our lock.
Result<void> drop_if_stale(const host::Layout& layout, const base::SessionId& session) {
  constexpr std::chrono::minutes kYoung{1};
  const auto directory = layout.session_run_directory(session);
  std::error_code error;
  const auto changed = std::filesystem::last_write_time(directory, error);
  if (error || std::filesystem::file_time_type::clock::now() - changed < kYoung) return {};
  return sys::remove_tree(directory);
}

// A stop that was noted, but never begun, since its worker did not come to life.
Result<void> settle_unbegun(const host::Layout& layout, const host::WorkerRequest& request) {
  REPRISE_PASS(thaw(layout, request));
  REPRISE_PASS(deliver_signal(layout, request));
  return sys::remove_tree(layout.session_run_directory(request.session));
}

// Whether it was settled. The caller has found its lock free and holds it.
Result<bool> settle_one(const host::Layout& layout, const store::StoreConfig& config,
                        const base::SessionId& session, bool holds_container) {
  const auto request = REPRISE_PASS(find_request(layout, config, session));
  if (!request) {
    REPRISE_PASS(drop_if_stale(layout, session));
    return false;
  }
  std::optional<sys::FileLock> container;
  if (!holds_container) {
    Result<sys::FileLock> lock =
        sys::FileLock::try_lock(layout.lock_of(host::identity_of(*request)));
    if (!lock && lock.error().code() == ErrorCode::kBusy) return false;
    container = REPRISE_PASS(std::move(lock));
  }
  if (REPRISE_PASS(
          sys::exists(host::unbegun_marker(layout.session_run_directory(request->session))))) {
    REPRISE_PASS(settle_unbegun(layout, *request));
    return true;
  }
  Context context = REPRISE_PASS(context_of(layout, config, *request));
  // Only the guard was killed, which would have removed the directory.
  const bool done = REPRISE_PASS(has_outcome(context));
  if (!done) REPRISE_PASS(settle_without_outcome(context));
  REPRISE_PASS(sys::remove_tree(layout.session_run_directory(session)));
  return !done;
}

// Rows of sessions that have neither an outcome nor a run directory: the host went down under them.
Result<int> finish_rows(const host::Layout& layout, const store::StoreConfig& config) {
  if (!REPRISE_PASS(catalog::Catalog::exists(layout.store))) return 0;
  std::error_code error;
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(config));
  int settled = 0;
  for (const catalog::SessionRow& row : REPRISE_PASS(catalog.running_sessions())) {
    if (std::filesystem::exists(layout.session_run_directory(row.id), error) || error) continue;
    // Asked again: the outcome is written before the directory is removed.
    const auto now = REPRISE_PASS(catalog.find_session(row.id.str()));
    if (now.status != catalog::SessionStatus::kRunning) continue;
    Context context = REPRISE_PASS(context_of(layout, config, request_of(row)));
    if (row.kind != catalog::SessionKind::kRestore)
      REPRISE_PASS(find_sealed(*context.store.checkpoints, layout, row.id));
    settle(context, {.cause = Error(ErrorCode::kGone, "the host went down during the session"),
                     .since = Settlement::Since::kLong});
    ++settled;
  }
  return settled;
}

// What was done last is undone first.
std::vector<base::SessionId> newest_first(const host::Layout& layout,
                                          const std::vector<base::SessionId>& sessions) {
  std::multimap<fs::file_time_type, base::SessionId, std::greater<>> by_time;
  for (const base::SessionId& session : sessions) {
    std::error_code error;
    const auto begun =
        fs::last_write_time(host::request_file(layout.session_run_directory(session)), error);
    by_time.emplace(error ? fs::file_time_type::min() : begun, session);
  }
  const auto ids = by_time | std::views::values;
  return {ids.begin(), ids.end()};
}

std::vector<undo::Step> owed_from_the_start(const host::WorkerRequest& request) {
  if (request.is_restore() || request.checkpoint().signal == 0) return {};
  return {undo::SignalPromised()};
}

}  // namespace

Result<sys::FileLock> note_session(const host::Layout& layout, const host::WorkerRequest& request) {
  const auto directory = layout.session_run_directory(request.session);
  REPRISE_PASS(sys::make_directories(directory));
  sys::FileLock lock =
      REPRISE_PASS(sys::FileLock::lock(host::session_lock_file(directory), kLockPatience));
  REPRISE_PASS(undo::Journal(layout, request.session).replace(owed_from_the_start(request)));
  REPRISE_PASS(sys::replace_file(host::request_file(directory), host::encode(request)));
  REPRISE_PASS(sys::remove_tree(host::unbegun_marker(directory)));
  return lock;
}

Result<host::WorkerRequest> load_request(const host::Layout& layout,
                                         const base::SessionId& session) {
  const auto file = host::request_file(layout.session_run_directory(session));
  const std::string text = REPRISE_PASS(sys::read_file(file));
  return REPRISE_TRY(host::decode_worker_request(text), "reading '" + file.string() + "'");
}

Result<int> settle_abandoned(const host::Layout& layout, const store::StoreConfig& config,
                             const std::optional<base::SessionId>& ours) {
  int settled = 0;
  std::optional<Error> first;
  const auto abandoned = REPRISE_PASS(host::abandoned_sessions(layout));
  for (const base::SessionId& session : newest_first(layout, abandoned)) {
    const auto lock =
        sys::FileLock::try_lock(host::session_lock_file(layout.session_run_directory(session)));
    if (!lock && lock.error().code() == ErrorCode::kBusy) continue;
    const Result<bool> one =
        lock ? settle_one(layout, config, session, session == ours) : std::unexpected(lock.error());
    if (one)
      settled += *one ? 1 : 0;
    else if (!first)
      first = Error(one.error()).with_step("settling session '" + session.str() + "'");
  }
  // After the sessions: a restore that is undone has ended its tasks.
  if (auto ended = end_abandoned_fillings(layout, config); !ended && !first)
    first = std::move(ended).error().with_step("ending a container whose memory is lost");
  const Result<int> rows = finish_rows(layout, config);
  if (!rows && !first) first = rows.error();
  if (first) return std::unexpected(std::move(*first));
  return settled + *rows;
}

}  // namespace reprise::session
