// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "base/fault.h"
#include "container/connection_hold.h"
#include "container/io_uring.h"
#include "container/neighbours.h"
#include "container/network.h"
#include "container/oci_spec.h"
#include "container/runc_state.h"
#include "container/worker_link.h"
#include "runtime/call.h"
#include "store/catalog.h"
#include "sys/child.h"
#include "sys/file_lock.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::runtime {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// runc 1.1 to 1.5, create.go: options that take a value.
constexpr std::array<std::string_view, 7> kValuedOptions = {
    "bundle", "b", "console-socket", "pidfd-socket", "pid-file", "preserve-fds", "process"};

struct Creation {
  container::Identity who;
  std::string bundle;
  container::Wishes wishes;
  std::string network_namespace;  // empty: made by runc, or the host's
  pid_t network_keeper = 0;       // see container::network_keeper

  [[nodiscard]] const base::ContainerKey& key() const { return who.key; }
};

Result<Creation> read_creation(const Call& call) {
  const auto words = call.arguments.positional(kValuedOptions);
  if (words.empty()) return base::fail(ErrorCode::kInvalidInput, "no container named");
  const base::ContainerId id(REPRISE_PASS(base::parse_id(words[0])));
  Creation creation{.who = container::identify(call.arguments.state_globals(), id)};
  creation.bundle = call.arguments.option("bundle").value_or(
      call.arguments.option("b").value_or(std::filesystem::current_path().string()));
  const container::OciSpec spec = REPRISE_PASS(container::load_oci_spec(creation.bundle));
  creation.network_namespace = spec.network_namespace_path;
  creation.network_keeper = container::network_keeper(spec);
  creation.wishes = REPRISE_PASS(container::parse_wishes(spec.annotations));
  return creation;
}

std::vector<std::string> restore_command(const Call& call, const Creation& creation,
                                         const container::WorkerEvent& ready) {
  std::vector<std::string> argv = {call.layout.runc.string()};
  const auto& globals = call.arguments.globals;
  argv.insert(argv.end(), globals.begin(), globals.end());
  argv.insert(argv.end(), {"restore", "--detach", "--bundle", creation.bundle, "--image-path",
                           ready.image_path, "--work-path", ready.work_path, "--tcp-established",
                           "--ext-unix-sk", "--file-locks"});
  // Of the options of `create`, those that `restore` knows as well.
  for (const char* name : {"console-socket", "pid-file"})
    if (const auto value = call.arguments.option(name))
      argv.insert(argv.end(), {std::string("--") + name, *value});
  if (call.arguments.has_flag("no-pivot")) argv.emplace_back("--no-pivot");
  argv.push_back(creation.who.id.str());
  return argv;
}

// As our child and with our descriptors 0 to 2, so that the restored init becomes a child of our
// parent (conmon, a shim) when runc has gone, and writes where the container is to write.
Result<int> run_restore(const Call& call, const Creation& creation,
                        const container::WorkerEvent& ready) {
  sys::SpawnOptions options;
  options.argv = restore_command(call, creation, ready);
  options.env = sys::default_environment(ready.environment);
  options.stdio = sys::Stdio::kInherit;
  sys::Child runc = REPRISE_PASS(sys::Child::spawn(options));
  const sys::ExitStatus status = REPRISE_PASS(runc.wait());
  constexpr int kKilled = 128;  // the shells' convention
  return status.signal != 0 ? kKilled + status.signal : status.exit_code;
}

// The worker reports phases until it is ready, or has failed.
Result<container::WorkerEvent> next_result(
    sys::MessageSocket& socket, std::optional<std::chrono::milliseconds> patience = std::nullopt) {
  for (;;) {
    const auto message = REPRISE_PASS(socket.receive(patience));
    if (!message) return base::fail(ErrorCode::kGone, "the worker died");
    container::WorkerEvent event = REPRISE_PASS(container::decode_worker_event(*message));
    if (event.kind != container::WorkerEventKind::kPhase) return event;
  }
}

ErrorCode code_named(const std::string& name) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code)
    if (base::to_string(static_cast<ErrorCode>(code)) == name) return static_cast<ErrorCode>(code);
  return ErrorCode::kInternal;
}

Error failure_of(const container::WorkerEvent& outcome) {
  return Error(code_named(outcome.code), outcome.reason).with_hint(outcome.hint);
}

// Also where the worker and its guard died before they could.
void let_packets_in(const Call& call, const Creation& creation) {
  if (creation.network_namespace.empty()) return;
  if (const auto done = container::unblock_outside(creation.network_namespace); !done)
    tell_caller(call, Severity::kWarning, done.error().message());
}

// After the container runs, the worker has only to write that down.
constexpr std::chrono::seconds kOutcomePatience{30};

// One attempt, by one session, which holds the claim. After success the claim is consumed; after a
// failure nothing of the attempt is left.
struct Attempt {
  const Call& call;
  const Creation& creation;
  store::Catalog& catalog;
  base::SessionId session;
  base::CheckpointId checkpoint;

  [[nodiscard]] container::WorkerRequest request() const {
    container::WorkerRequest request;
    request.verb = container::WorkerVerb::kRestore;
    request.session = session;
    request.container = creation.who.id;
    request.runtime_args = call.arguments.state_globals();
    request.trigger = "start";
    request.bundle = creation.bundle;
    request.checkpoint = checkpoint;
    request.lock_passed = true;
    return request;
  }
};

Result<void> restore(const Attempt& attempt, const sys::FileLock& lock) {
  REPRISE_PASS(base::fault_point("runtime-claimed"));
  container::WorkerLink worker = REPRISE_PASS(container::start_worker(attempt.request(), &lock));
  const container::WorkerEvent ready = REPRISE_PASS(next_result(worker.socket));
  if (ready.kind == container::WorkerEventKind::kOutcome) return std::unexpected(failure_of(ready));
  const int exit_code =
      REPRISE_TRY(run_restore(attempt.call, attempt.creation, ready), "running runc restore");
  if (exit_code == 0) {
    REPRISE_PASS(base::fault_point("runtime-restored"));
    // Before anybody hears of it: whoever settles this session if we or the worker are killed tells
    // by the claim whether the container is to stay.
    REPRISE_TRY(attempt.catalog.consume_claim(attempt.creation.key(), attempt.session),
                "consuming the claim");
  }
  const auto told = worker.socket.send(container::encode_restored(exit_code));
  const Result<container::WorkerEvent> outcome = next_result(worker.socket, kOutcomePatience);
  if (outcome && outcome->ok && !outcome->reason.empty())
    tell_caller(attempt.call, Severity::kWarning, outcome->reason);
  if (exit_code == 0) {
    // It runs: a worker that died afterwards does not change that.
    if (!outcome) settle_abandoned(attempt.call, attempt.session);
    if (!outcome) let_packets_in(attempt.call, attempt.creation);
    return {};
  }
  REPRISE_PASS(told);
  if (!outcome) return std::unexpected(outcome.error());
  return std::unexpected(failure_of(*outcome));
}

// After a failed restore: runc's leftovers of the id are gone, so that it can be created again.
Result<void> clean_up(const Call& call, const Creation& creation) {
  REPRISE_TRY(container::release_restore_root(call.arguments.state_globals(), creation.who.id),
              "undoing a restore");
  let_packets_in(call, creation);
  std::vector<std::string> argv = {call.layout.runc.string()};
  const auto globals = call.arguments.state_globals();
  argv.insert(argv.end(), globals.begin(), globals.end());
  argv.insert(argv.end(), {"delete", "--force", creation.who.id.str()});
  constexpr std::chrono::seconds kLimit{60};
  if (const auto deleted = sys::run_ok(std::move(argv), kLimit); !deleted)
    tell_caller(call, Severity::kWarning, deleted.error().message());
  return sys::remove_tree(call.layout.restoring_marker_of(creation.who));
}

Result<void> mark(const std::filesystem::path& marker, const std::string& text = "") {
  return sys::replace_file(marker, text);
}

void note(const Call& call, const char* what, const Result<void>& result) {
  if (!result)
    tell_caller(call, Severity::kWarning, std::string(what) + ": " + result.error().message());
}

void record_cold_start(const Call& call, store::Catalog& catalog, const Creation& creation,
                       const std::string& why) {
  note(call, "history not written",
       catalog.add_life_event({.key = creation.key(),
                               .time = base::now_unix_millis(),
                               .event = store::LifeEvent::kStarted,
                               .detail = why}));
}

// The connections of its last life are gone for good: peers are to be told at once.
int start_cold(const Call& call, const Creation& creation) {
  if (!creation.network_namespace.empty())
    note(call, "peers of lost connections wait", container::lift_hold(creation.key()));
  // An empty namespace is new, or nobody's.
  if (container::is_inhabited(creation.network_namespace))
    note(call, "other containers wait",
         container::end_neighbours(creation.key(), creation.network_namespace));
  return pass_through(call);
}

int give_up(const Call& call, const Error& error) {
  std::string text = error.message();
  if (!error.hint().empty()) text += " (hint: " + error.hint() + ")";
  tell_caller(call, Severity::kError, text);
  // As runc does when it makes no container: conmon hands this on where nobody reads the log.
  std::fprintf(stderr, "reprise: %s\n", text.c_str());
  return base::exit_code(error.code());
}

// How often a checkpoint is tried, in one start or over several that were cut off.
constexpr int kMostAttempts = 3;

// Whether the same restore may well succeed if it is tried again: the worker was killed, something
// was busy, a disk was full. Not so what the checkpoint, the container or this host lacks.
bool is_passing(const Error& error) {
  return error.code() == ErrorCode::kGone || error.code() == ErrorCode::kBusy ||
         error.code() == ErrorCode::kIo;
}

// What makes a host run out of memory or space for a moment is often over soon.
void pause_before(int attempt) {
  constexpr std::chrono::milliseconds kStep{200};
  std::this_thread::sleep_for(kStep * attempt);
}

std::optional<int> finish_resumed(const Call& call, const Creation& creation) {
  note(call, "marker not written", mark(call.layout.restored_marker_of(creation.who)));
  note(call, "marker not removed", sys::remove_tree(call.layout.restoring_marker_of(creation.who)));
  return 0;
}

bool may_start_cold(const Creation& creation, const base::CheckpointId& checkpoint) {
  // Nor may a program begin anew on volumes that were to get what it had left in them.
  return creation.wishes.on_restore_failure == container::OnRestoreFailure::kStartCold &&
         creation.wishes.fill_volumes_from != checkpoint.str();
}

// No attempt is left: what the container wishes then.
std::optional<int> give_up_resuming(const Attempt& attempt, const Error& error) {
  const auto& [call, creation, catalog, session, checkpoint] = attempt;
  if (!may_start_cold(creation, checkpoint)) {
    note(call, "claim not released", catalog.release_claim(creation.key(), session));
    return give_up(call, error);
  }
  tell_caller(call, Severity::kWarning,
              error.message() + "; starting cold, the checkpoint is kept");
  note(call, "claim not dropped", catalog.drop_continuation(creation.key()));
  record_cold_start(call, catalog, creation, error.message());
  return std::nullopt;
}

// The exit status, or nullopt if the container is to start cold. The container's lock is ours.
Result<std::optional<int>> resume(const Call& call, store::Catalog& catalog,
                                  const Creation& creation, const sys::FileLock& lock) {
  const sys::ProcessRef self = REPRISE_PASS(sys::process_ref(::getpid()));
  for (;;) {
    Attempt attempt{call, creation, catalog, base::SessionId(base::random_id()), {}};
    const auto claimed =
        REPRISE_TRY(catalog.claim(creation.key(), attempt.session, self), "claiming a checkpoint");
    if (!claimed) {
      record_cold_start(call, catalog, creation, "");
      return std::optional<int>();
    }
    attempt.checkpoint = claimed->checkpoint;
    const std::string step = "resuming from checkpoint '" + claimed->checkpoint.str() + "'";
    if (may_start_cold(creation, attempt.checkpoint) && claimed->attempts >= kMostAttempts)
      return give_up_resuming(
          attempt,
          Error(ErrorCode::kBusy, "it was cut off " + std::to_string(kMostAttempts) + " times")
              .with_step(step));
    REPRISE_PASS(mark(call.layout.restoring_marker_of(creation.who)));
    const Result<void> restored = restore(attempt, lock);
    if (restored) return finish_resumed(call, creation);
    // A worker that was killed together with its guard could not undo what it did.
    settle_abandoned(call, attempt.session);
    REPRISE_PASS(clean_up(call, creation));
    const Error error = Error(restored.error()).with_step(step);
    if (!is_passing(error) || claimed->attempts + 1 >= kMostAttempts)
      return give_up_resuming(attempt, error);
    tell_caller(call, Severity::kWarning, error.message() + "; trying again");
    REPRISE_TRY(catalog.release_claim(creation.key(), attempt.session), "releasing the claim");
    pause_before(claimed->attempts + 1);
  }
}

Result<std::optional<int>> try_resume(const Call& call, const Creation& creation) {
  REPRISE_PASS(call.layout.create());
  settle_abandoned(call);
  // A start that was killed may still be being undone.
  constexpr std::chrono::seconds kUndoPatience{60};
  const sys::FileLock lock =
      REPRISE_TRY(sys::FileLock::lock(call.layout.lock_of(creation.who), kUndoPatience),
                  "waiting for another session of the container");
  REPRISE_TRY(container::release_restore_root(call.arguments.state_globals(), creation.who.id),
              "undoing an earlier restore");
  // Of a restore whose start never came; this one may well be cold.
  REPRISE_PASS(sys::remove_tree(call.layout.restored_marker_of(creation.who)));
  const pid_t keeper = creation.network_keeper;
  REPRISE_PASS(
      mark(call.layout.marker_of(creation.who), keeper == 0 ? "" : std::to_string(keeper)));
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(call.layout.store));
  return resume(call, catalog, creation, lock);
}

}  // namespace

int create(const Call& call) {
  const Result<Creation> creation = read_creation(call);
  if (!creation) {
    // Not a bundle that runc could use either, or a mistyped annotation: say so, but never stand
    // in the way of what runc makes of it.
    tell_caller(call, Severity::kWarning, creation.error().message());
    return pass_through(call);
  }
  if (!creation->wishes.checkpoint_on_stop) return pass_through(call);
  // Before a restore as well: what is executed in the container later takes its rules from there.
  if (creation->wishes.io_uring == container::IoUring::kDeny)
    note(call, "io_uring is not refused", container::refuse_io_uring(creation->bundle));
  const Result<std::optional<int>> status = try_resume(call, *creation);
  if (status && *status) return **status;
  if (!status) {
    if (creation->wishes.on_restore_failure == container::OnRestoreFailure::kFail)
      return give_up(call, status.error());
    tell_caller(call, Severity::kWarning, status.error().message() + "; starting cold");
  }
  return start_cold(call, *creation);
}

}  // namespace reprise::runtime
