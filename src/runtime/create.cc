// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include "container/connection_hold.h"
#include "container/io_uring.h"
#include "container/network.h"
#include "container/oci_spec.h"
#include "container/worker_link.h"
#include "runtime/call.h"
#include "store/catalog.h"
#include "sys/child.h"
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
Result<container::WorkerEvent> next_result(sys::MessageSocket& socket) {
  for (;;) {
    const auto message = REPRISE_PASS(socket.receive());
    if (!message) return base::fail(ErrorCode::kGone, "the worker died");
    container::WorkerEvent event = REPRISE_PASS(container::decode_worker_event(*message));
    if (event.kind != container::WorkerEventKind::kPhase) return event;
  }
}

Error failure_of(const container::WorkerEvent& outcome) {
  return Error(ErrorCode::kInternal, outcome.reason).with_hint(outcome.hint);
}

// Also where the worker and its guard died before they could.
void let_packets_in(const Call& call, const Creation& creation) {
  if (creation.network_namespace.empty()) return;
  if (const auto done = container::unblock_outside(creation.network_namespace); !done)
    tell_caller(call, Severity::kWarning, done.error().message());
}

Result<void> restore(const Call& call, const Creation& creation, const base::SessionId& session,
                     const base::CheckpointId& checkpoint) {
  container::WorkerRequest request;
  request.verb = container::WorkerVerb::kRestore;
  request.session = session;
  request.container = creation.who.id;
  request.runtime_args = call.arguments.state_globals();
  request.trigger = "start";
  request.bundle = creation.bundle;
  request.checkpoint = checkpoint;
  container::WorkerLink worker = REPRISE_PASS(container::start_worker(request));
  const container::WorkerEvent ready = REPRISE_PASS(next_result(worker.socket));
  if (ready.kind == container::WorkerEventKind::kOutcome) return std::unexpected(failure_of(ready));
  const int exit_code = REPRISE_TRY(run_restore(call, creation, ready), "running runc restore");
  REPRISE_PASS(worker.socket.send(container::encode_restored(exit_code)));
  const Result<container::WorkerEvent> outcome = next_result(worker.socket);
  if (exit_code == 0 && !outcome) let_packets_in(call, creation);
  if (outcome && outcome->ok && !outcome->reason.empty())
    tell_caller(call, Severity::kWarning, outcome->reason);
  if (exit_code == 0) return {};  // it runs: a worker that died afterwards does not change that
  if (!outcome) return std::unexpected(outcome.error());
  return std::unexpected(failure_of(*outcome));
}

// After a failed restore: runc's leftovers of the id are gone, so that it can be created again.
void clean_up(const Call& call, const Creation& creation) {
  let_packets_in(call, creation);
  std::vector<std::string> argv = {call.layout.runc.string()};
  const auto globals = call.arguments.state_globals();
  argv.insert(argv.end(), globals.begin(), globals.end());
  argv.insert(argv.end(), {"delete", "--force", creation.who.id.str()});
  constexpr std::chrono::seconds kLimit{60};
  if (const auto deleted = sys::run_ok(std::move(argv), kLimit); !deleted)
    tell_caller(call, Severity::kWarning, deleted.error().message());
}

Result<void> mark(const std::filesystem::path& marker) { return sys::replace_file(marker, ""); }

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

// The claim is ours. Returns the exit status, or nullopt if the container is to start cold.
std::optional<int> resume(const Call& call, store::Catalog& catalog, const Creation& creation,
                          const base::SessionId& session, const base::CheckpointId& checkpoint) {
  const Result<void> restored = restore(call, creation, session, checkpoint);
  if (restored) {
    note(call, "claim not consumed", catalog.consume_claim(creation.key(), session));
    note(call, "marker not written", mark(call.layout.restored_marker_of(creation.who)));
    return 0;
  }
  clean_up(call, creation);
  const Error error =
      Error(restored.error()).with_step("resuming from checkpoint '" + checkpoint.str() + "'");
  // Nor may a program begin anew on volumes that were to get what it had left in them.
  if (creation.wishes.on_restore_failure == container::OnRestoreFailure::kFail ||
      creation.wishes.fill_volumes_from == checkpoint.str()) {
    note(call, "claim not released", catalog.release_claim(creation.key(), session));
    return give_up(call, error);
  }
  tell_caller(call, Severity::kWarning,
              error.message() + "; starting cold, the checkpoint is kept");
  note(call, "claim not dropped", catalog.drop_continuation(creation.key()));
  record_cold_start(call, catalog, creation, error.message());
  return std::nullopt;
}

Result<std::optional<int>> try_resume(const Call& call, const Creation& creation) {
  REPRISE_PASS(call.layout.create());
  REPRISE_PASS(mark(call.layout.marker_of(creation.who)));
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(call.layout.store));
  const base::SessionId session(base::random_id());
  const sys::ProcessRef self = REPRISE_PASS(sys::process_ref(::getpid()));
  const auto claimed =
      REPRISE_TRY(catalog.claim(creation.key(), session, self), "claiming a checkpoint");
  if (!claimed) {
    record_cold_start(call, catalog, creation, "");
    return std::optional<int>();
  }
  return resume(call, catalog, creation, session, claimed->checkpoint);
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
