// SPDX-License-Identifier: Apache-2.0
#include "runtime/restore_attempt.h"

#include <chrono>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "container/network.h"
#include "host/worker_link.h"
#include "sys/child.h"
#include "sys/files.h"

namespace reprise::runtime {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

std::vector<std::string> restore_command(const Call& call, const Creation& creation,
                                         const host::WorkerEvent& ready) {
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
                        const host::WorkerEvent& ready) {
  sys::SpawnOptions options;
  options.argv = restore_command(call, creation, ready);
  options.env = sys::default_environment(ready.environment);
  options.stdio = sys::Stdio::kInherit;
  options.own_mounts = true;
  sys::Child runc = REPRISE_PASS(sys::Child::spawn(options));
  const sys::ExitStatus status = REPRISE_PASS(runc.wait());
  constexpr int kKilled = 128;  // the shells' convention
  return status.signal != 0 ? kKilled + status.signal : status.exit_code;
}

// The worker reports phases until it is ready, or has failed; if it is killed, its guard tells.
Result<host::WorkerEvent> next_result(sys::MessageSocket& socket) {
  for (;;) {
    const auto message = REPRISE_PASS(socket.receive());
    if (!message) return base::fail(ErrorCode::kGone, "the worker died");
    host::WorkerEvent event = REPRISE_PASS(host::decode_worker_event(*message));
    if (event.kind != host::WorkerEventKind::kPhase) return event;
  }
}

Error failure_of(const host::WorkerEvent& outcome) {
  return Error(base::error_code_named(outcome.code), outcome.reason).with_hint(outcome.hint);
}

// Also where the worker and its guard died before they could.
void let_packets_in(const Call& call, const Creation& creation) {
  if (creation.network_namespace.empty()) return;
  if (const auto done = container::unblock_outside(creation.network_namespace); !done)
    tell_caller(call, Severity::kWarning, done.error().message());
}

host::WorkerRequest request_of(const Attempt& attempt) {
  host::WorkerRequest request;
  request.verb = host::WorkerVerb::kRestore;
  request.session = attempt.session;
  request.container = attempt.creation.who.id;
  request.key = attempt.creation.key();
  request.runtime_args = attempt.call.arguments.state_globals();
  request.trigger = "start";
  request.bundle = attempt.creation.bundle;
  request.checkpoint = attempt.checkpoint;
  request.lock_passed = true;
  request.acknowledges = true;
  return request;
}

// Worker and guard are gone. Whether the container stays is told by the claim.
Result<void> settle_unheard(const Attempt& attempt, const Error& error) {
  settle_abandoned(attempt.call, attempt.session);
  const bool claimed =
      REPRISE_PASS(attempt.catalog.is_claimed_by(attempt.creation.key(), attempt.session));
  if (claimed) return std::unexpected(error);
  let_packets_in(attempt.call, attempt.creation);
  return {};
}

}  // namespace

Result<void> restore(const Attempt& attempt, const sys::FileLock& lock) {
  REPRISE_PASS(base::fault_point("runtime-claimed"));
  host::WorkerLink worker = REPRISE_PASS(host::start_worker(request_of(attempt), &lock));
  const host::WorkerEvent ready = REPRISE_PASS(next_result(worker.socket));
  if (ready.kind == host::WorkerEventKind::kOutcome) return std::unexpected(failure_of(ready));
  const int exit_code =
      REPRISE_TRY(run_restore(attempt.call, attempt.creation, ready), "running runc restore");
  if (exit_code == 0) REPRISE_PASS(base::fault_point("runtime-restored"));
  // The tasks stand still until the worker has consumed the claim.
  [[maybe_unused]] const auto told = worker.socket.send(host::encode_restored(exit_code));
  const Result<host::WorkerEvent> outcome = next_result(worker.socket);
  if (!outcome) return settle_unheard(attempt, outcome.error());
  if (!outcome->ok) return std::unexpected(failure_of(*outcome));
  if (!outcome->reason.empty()) tell_caller(attempt.call, Severity::kWarning, outcome->reason);
  if (const auto fault = base::fault_point("runtime-resumed"); !fault)
    tell_caller(attempt.call, Severity::kWarning, fault.error().message());
  [[maybe_unused]] const auto heard = worker.socket.send(host::encode_heard());
  return {};
}

Result<void> clean_up(const Call& call, const Creation& creation) {
  REPRISE_TRY(call.runtime().release_restore_root(creation.who.id), "undoing a restore");
  let_packets_in(call, creation);
  constexpr std::chrono::seconds kLimit{60};
  if (const auto deleted = call.runtime().remove(creation.who.id, kLimit); !deleted)
    tell_caller(call, Severity::kWarning, deleted.error().message());
  return sys::remove_tree(call.layout.restoring_marker_of(creation.who));
}

}  // namespace reprise::runtime
