// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

#include <fcntl.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "config/config.h"
#include "host/layout.h"
#include "host/message.h"
#include "host/request.h"
#include "host/worker_link.h"
#include "operations/store/background_gc.h"
#include "operations/transfer/background_upload.h"
#include "session/checkpoint_session.h"
#include "session/context.h"
#include "session/filling.h"
#include "session/filling_pager.h"
#include "session/guard.h"
#include "session/promised_signal.h"
#include "session/recovery.h"
#include "session/restore_session.h"
#include "session/verdict.h"
#include "store/open_catalog.h"
#include "store/store.h"
#include "store/tenants.h"
#include "sys/files.h"
#include "worker/record.h"
#include "worker/unheard.h"

namespace reprise::worker {

using base::Error;
using base::ErrorCode;
using base::Result;
using session::GuardedSession;

namespace {

constexpr int kFirstOwnFd = 10;  // above the numbers that callers pass

// Descriptors that were passed to us must not reach runc, CRIU and the container.
Result<sys::UniqueFd> adopt_fd(int fd) {
  sys::UniqueFd owned(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstOwnFd));
  if (!owned.valid())
    return base::fail(ErrorCode::kInvalidInput,
                      "reprise-worker is started by reprise and reprise-runtime, not by hand");
  ::close(fd);
  return owned;
}

Result<host::WorkerRequest> receive_request(sys::MessageSocket& caller) {
  constexpr std::chrono::seconds kLimit{30};
  const auto message = REPRISE_TRY(caller.receive(kLimit), "waiting for a request");
  if (!message) return base::fail(ErrorCode::kGone, "the caller went away without a request");
  return host::decode_worker_request(*message);
}

catalog::SessionRow first_row(const GuardedSession& guarded) {
  const host::WorkerRequest& request = guarded.request;
  return {.id = request.session,
          .key = host::key_of(request),
          .kind = session::kind_of(request),
          .trigger = session::trigger_of(request),
          .begin = base::now_unix_millis(),
          .status = catalog::SessionStatus::kRunning,
          .checkpoint = request.is_restore() ? request.restore().checkpoint : base::CheckpointId(),
          .phases = "{}",
          .log_directory = guarded.layout.session_directory(request.session).string()};
}

// What is not known of the container costs its name and the way to make it anew, no checkpoint.
void note_container(session::Context& context) {
  auto name = record_container(context);
  base::warn_and_ignore(name, "'reprise restore' will not be able to make it again");
  auto& request = std::get<host::CheckpointRequest>(context.request.what);
  if (name && request.name.empty()) request.name = std::move(*name);
}

Result<host::Outcome> try_session(const GuardedSession& guarded) {
  // A checkpoint may be the first; a restore that finds no store has lost it since the claim.
  const auto open = guarded.request.is_restore() ? store::open_existing : store::open;
  store::Store store = REPRISE_PASS(open(guarded.store));
  sys::UniqueFd caller = REPRISE_PASS(sys::duplicate(guarded.caller->fd()));
  session::Context context{
      .layout = guarded.layout,
      .request = guarded.request,
      .store = std::move(store),
      .caller = sys::MessageSocket::adopt(std::move(caller)),
      .engine = session::engine_for(guarded.layout, guarded.request.session, guarded.hook_listener),
      .retention = guarded.retention};
  REPRISE_TRY(context.store.catalog.begin_session(first_row(guarded)), "recording the session");
  session::prune_session_logs(context.layout);
  if (!guarded.request.is_restore()) note_container(context);
  if (guarded.request.is_restore()) return session::RestoreSession(context).run();
  host::Outcome outcome = session::CheckpointSession(context, *guarded.watch).run();
  // What it could not free in passing.
  if (!outcome.checkpoint.empty())
    base::warn_and_ignore(operations::start_gc(context.layout, context.store), "no gc was started");
  return outcome;
}

// So that people find out why there is no checkpoint, as far as the catalog can be written.
void record_failure(const GuardedSession& guarded, const Error& error) {
  const auto write = [&]() -> Result<void> {
    catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(guarded.store));
    catalog::SessionRow row = first_row(guarded);
    // It is there if the session had begun.
    static_cast<void>(catalog.begin_session(row));
    row.end = base::now_unix_millis();
    row.status = catalog::SessionStatus::kFailed;
    row.reason = error.message();
    row.hint = error.hint();
    return catalog.finish_session(row);
  };
  if (const auto written = write(); !written)
    base::log(base::LogLevel::kWarn, "outcome not written, going on",
              {{"error", written.error().details()}});
}

// For a session that failed before it touched anything.
void deliver_promised_signal(const GuardedSession& guarded) {
  if (guarded.request.is_restore()) return;
  if (const auto sent = session::deliver_signal(guarded.layout, guarded.request); !sent)
    base::log(base::LogLevel::kError, "signal not delivered", {{"error", sent.error().details()}});
}

int run_session(const GuardedSession& guarded) {
  Result<host::Outcome> outcome = try_session(guarded);
  if (!outcome) {
    base::log(base::LogLevel::kError, "session failed", {{"error", outcome.error().details()}});
    deliver_promised_signal(guarded);
    record_failure(guarded, outcome.error());
    outcome = host::failed_outcome(outcome.error());
  }
  session::report(*guarded.caller, *outcome);
  return outcome->ok() ? 0 : base::exit_code(ErrorCode::kInternal);
}

// What a session needs before it can fail in an orderly way.
struct Preparation {
  std::optional<sys::FileLock> lock;
  std::optional<sys::FileLock> session_lock;
  std::optional<session::FreezeWatch> watch;
  std::optional<sys::MessageListener> listener;  // of CRIU's hook
};

Result<Preparation> prepare(const GuardedSession& guarded) {
  const auto& request = guarded.request;
  const host::Layout& layout = guarded.layout;
  Preparation ready;
  if (request.lock_passed)
    ready.lock = sys::FileLock::adopt(REPRISE_PASS(adopt_fd(host::kWorkerLockFd)));
  REPRISE_TRY(layout.create(), "preparing directories");
  if (request.is_restore())  // which makes no store, not even by its log
    REPRISE_TRY(store::open_existing_catalog(guarded.store), "looking for the checkpoint");
  REPRISE_PASS(sys::make_directories(layout.session_directory(request.session)));
  ready.session_lock = REPRISE_TRY(session::note_session(layout, request), "noting the session");
  ready.watch = REPRISE_PASS(session::FreezeWatch::create());
  base::open_log(layout.session_directory(request.session) / "reprise.log");
  const std::filesystem::path hook = layout.session_run_directory(request.session) / "hook";
  if (!request.is_restore() && !request.lock_passed)
    ready.lock = REPRISE_TRY(sys::FileLock::try_lock(layout.lock_of(host::identity_of(request))),
                             "another operation on the container is running");
  ready.listener = REPRISE_PASS(sys::MessageListener::listen(hook));
  return ready;
}

// The session is over, and nobody waits for us any more.
void upload(const GuardedSession& guarded, const config::Config& config) {
  if (const auto started =
          operations::start_upload(guarded.layout, guarded.store, config.upload_remotes());
      !started)
    base::log(base::LogLevel::kWarn, "nothing is uploaded, going on",
              {{"error", started.error().details()}});
}

// The container was deleted while its session still held its lock, so that nobody else removes
// that.
void drop_lock_of_deleted(const GuardedSession& guarded) {
  const auto& request = guarded.request;
  if (request.is_restore() || !request.checkpoint().end) return;
  const auto who = host::identity_of(request);
  std::error_code unknown;
  if (std::filesystem::exists(guarded.layout.marker_of(who), unknown) || unknown) return;
  std::filesystem::remove(guarded.layout.lock_of(who), unknown);
}

config::Standing standing_configuration(const sys::Environment& environment) {
  return config::load_standing(environment, host::Layout::of({}, environment).kept_configuration());
}

// The guard stays for as long as memory is missing, and holds nothing that others wait for.
void watch(const GuardedSession& guarded, Preparation ready) {
  ready = Preparation();
  base::warn_and_ignore(session::watch_filling(guarded.layout, guarded.store, guarded.request),
                        "a container whose pagers are killed is ended by the next command only");
}

Result<int> serve(sys::MessageSocket& caller, const sys::Environment& environment) {
  const config::Standing standing = standing_configuration(environment);
  host::WorkerRequest request = REPRISE_PASS(receive_request(caller));
  store::StoreConfig store = config::store_config(standing.config, environment);
  if (!request.name_space.empty()) store.tenant = store::tenant_of_namespace(request.name_space);
  GuardedSession guarded{.layout = host::Layout::of(store.root, environment),
                         .store = std::move(store),
                         .request = std::move(request),
                         .caller = &caller};
  guarded.retention = standing.config.retention.policy();
  Result<Preparation> ready = standing.is_known
                                  ? prepare(guarded)
                                  : std::unexpected(Error(*standing.mistake).with_step("starting"));
  if (!ready) {
    deliver_promised_signal(guarded);
    if (standing.is_known) record_failure(guarded, ready.error());
    // Nothing is left to be settled.
    [[maybe_unused]] const auto removed =
        sys::remove_tree(guarded.layout.session_run_directory(guarded.request.session));
    return std::unexpected(std::move(ready).error());
  }
  if (standing.mistake)
    base::log(base::LogLevel::kWarn, "the configuration of before counts",
              {{"error", standing.mistake->message()}});
  if (const auto fault = base::fault_point("worker-begin"); !fault)
    base::log(base::LogLevel::kWarn, fault.error().message() + ", ignoring");
  guarded.watch = &*ready->watch;
  guarded.hook_listener = &*ready->listener;
  Result<int> status = session::run_guarded(guarded, run_session);
  if (guarded.request.is_restore() && *status == 0 && ready->lock)
    base::warn_and_ignore(checkpoint_unless_heard(guarded, *ready->lock),
                          "it is saved when it is created or deleted next");
  drop_lock_of_deleted(guarded);
  upload(guarded, standing.config);
  if (guarded.request.is_restore() && *status == 0) watch(guarded, *std::move(ready));
  return status;
}

// Where it works and in which store. Those may be elsewhere than we believe without the
// configuration.
struct Place {
  host::Layout layout;
  store::StoreConfig store;
};

Result<Place> place_of(const sys::Environment& environment) {
  const config::Standing standing = standing_configuration(environment);
  if (!standing.is_known) return std::unexpected(Error(*standing.mistake).with_step("starting"));
  store::StoreConfig store = config::store_config(standing.config, environment);
  host::Layout layout = host::Layout::of(store.root, environment);
  return Place{.layout = std::move(layout), .store = std::move(store)};
}

// CRIU's hook became this program.
int verdict(const std::filesystem::path& hook_socket, const sys::Environment& environment) {
  const Result<Place> place = place_of(environment);
  if (!place) return 1;
  // The socket lies in the session's run directory.
  const auto session = base::SessionId::parse(hook_socket.parent_path().filename().string());
  if (!session) return 1;
  return session::may_end_without_session(place->layout, place->store, *session) ? 0 : 1;
}

// A session started this program, with descriptors that session/filling.h names.
int page(const std::filesystem::path& note, const sys::Environment& environment) {
  const auto begin = [&]() -> Result<session::PagerJob> {
    const config::Config config = standing_configuration(environment).config;
    Place place = REPRISE_PASS(place_of(environment));
    auto request = REPRISE_PASS(host::decode_worker_request(REPRISE_PASS(sys::read_file(note))));
    if (!request.is_restore())
      return base::fail(ErrorCode::kInvalidInput,
                        "'" + note.string() + "' is no note of a restore");
    base::open_log(place.layout.session_directory(request.session) / "reprise.log");
    return session::PagerJob{.layout = std::move(place.layout),
                             .store = std::move(place.store),
                             .request = std::move(request),
                             .bytes_per_second = config.restore.fill_rate.value_or(0)};
  };
  const Result<session::PagerJob> job = begin();
  return job ? session::run_pager(*job) : base::exit_code(job.error().code());
}

int recover(const std::string& ours, const sys::Environment& environment) {
  const auto settle = [&]() -> Result<void> {
    std::optional<base::SessionId> session;
    if (!ours.empty()) session = REPRISE_PASS(base::SessionId::parse(ours));
    const Place place = REPRISE_PASS(place_of(environment));
    REPRISE_PASS(session::settle_abandoned(place.layout, place.store, session));
    return {};
  };
  const Result<void> settled = settle();
  if (settled) return 0;
  std::fprintf(stderr, "reprise-worker: %s\n", settled.error().message().c_str());
  return base::exit_code(settled.error().code());
}

}  // namespace

int run_worker(int argc, char** argv, const sys::Environment& environment) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "verdict" && argc == 3) return verdict(argv[2], environment);
  if (verb == "page" && argc == 3) return page(argv[2], environment);
  if (verb == "recover" && argc <= 3) return recover(argc == 3 ? argv[2] : "", environment);
  Result<sys::UniqueFd> fd = adopt_fd(host::kWorkerSocketFd);
  if (!fd) {
    std::fprintf(stderr, "reprise-worker: %s\n", fd.error().message().c_str());
    return base::exit_code(fd.error().code());
  }
  sys::MessageSocket caller = sys::MessageSocket::adopt(std::move(*fd));
  const Result<int> status = serve(caller, environment);
  if (status) return *status;
  session::report(caller, host::failed_outcome(status.error()));
  return base::exit_code(status.error().code());
}

}  // namespace reprise::worker
