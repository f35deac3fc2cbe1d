// SPDX-License-Identifier: Apache-2.0
#include "runtime/restore_attempt.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "host/filling.h"
#include "host/message.h"
#include "host/request.h"
#include "host/worker_link.h"
#include "network/network.h"
#include "sys/child.h"
#include "sys/files.h"
#include "sys/passed_descriptor.h"

namespace reprise::runtime {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// Of the options of `create`, those that `restore` knows as well.
std::vector<std::string> shared_options(const Arguments& arguments) {
  std::vector<std::string> options;
  for (const char* name : {"console-socket", "pid-file"})
    if (const auto value = arguments.option(name))
      options.insert(options.end(), {std::string("--") + name, *value});
  if (arguments.has_flag("no-pivot")) options.emplace_back("--no-pivot");
  return options;
}

// As our child and with our descriptors 0 and 1, so that the restored init becomes a child of our
// parent (conmon, a shim) when runc has gone, and writes where the container is to write. To 2,
// too, which runc does not have: what runc says of a failure is for the session's log
// (engine/preload/hold.cc).
Result<int> run_restore(const host::Ready& ready) {
  if (ready.argv.empty())
    return base::fail(ErrorCode::kBusy, "'reprise-worker' is of an earlier version");
  sys::SpawnOptions options;
  options.argv = ready.argv;
  const sys::UniqueFd log = REPRISE_PASS(sys::open_file(
      std::filesystem::path(ready.work_path) / "runc.log", O_WRONLY | O_CREAT | O_TRUNC));
  auto variables = ready.environment;
  variables.emplace_back(sys::kStderrVariable, sys::name_descriptor(STDERR_FILENO).data());
  options.env = sys::default_environment(variables);
  options.fds = {{log.get(), STDERR_FILENO}};
  options.stdio = sys::Stdio::kInherit;
  options.own_mounts = true;
  sys::Child runc = REPRISE_PASS(sys::Child::spawn(options));
  const sys::ExitStatus status = REPRISE_PASS(runc.wait());
  constexpr int kKilled = 128;  // the shells' convention
  return status.signal != 0 ? kKilled + status.signal : status.exit_code;
}

// The worker reports phases until it is ready, or has failed; if it is killed, its guard tells.
Result<host::WorkerMessage> next_result(host::WorkerLink& worker) {
  for (;;) {
    host::WorkerMessage message = REPRISE_PASS(host::next_message(worker));
    if (!std::holds_alternative<host::Phase>(message)) return message;
  }
}

Result<host::Ready> await_ready(host::WorkerLink& worker) {
  host::WorkerMessage message = REPRISE_PASS(next_result(worker));
  if (auto* ready = std::get_if<host::Ready>(&message)) return std::move(*ready);
  return std::unexpected(host::error_of(std::get<host::Outcome>(message)));
}

Result<host::Outcome> await_outcome(host::WorkerLink& worker) {
  host::WorkerMessage message = REPRISE_PASS(next_result(worker));
  if (auto* outcome = std::get_if<host::Outcome>(&message)) return std::move(*outcome);
  return base::fail(ErrorCode::kInternal, "the worker began again");
}

// Also where the worker and its guard died before they could.
void let_packets_in(const Call& call, const Creation& creation) {
  if (creation.network_namespace.empty()) return;
  if (const auto done = network::unblock_outside(creation.network_namespace); !done)
    tell_caller(call, Severity::kWarning, done.error().message());
}

host::WorkerRequest request_of(const Attempt& attempt) {
  const Arguments& arguments = attempt.call.arguments;
  return {.session = attempt.session,
          .container = attempt.creation.who.id,
          .key = attempt.creation.key(),
          .runtime_args = arguments.state_globals(),
          .name_space = attempt.creation.pod ? attempt.creation.pod->name_space : "",
          .lock_passed = true,
          .what = host::RestoreRequest{.bundle = attempt.creation.bundle,
                                       .checkpoint = attempt.checkpoint,
                                       .globals = arguments.globals,
                                       .options = shared_options(arguments),
                                       .acknowledges = true}};
}

// Worker and guard are gone. Whether the container stays is told by the claim.
Result<void> settle_without_worker(const Attempt& attempt, const Error& error) {
  settle_abandoned(attempt.call, attempt.session);
  const auto fate =
      REPRISE_PASS(attempt.catalog.fate_of_claim(attempt.creation.key(), attempt.session));
  if (fate != catalog::ClaimFate::kConsumed) return std::unexpected(error);
  let_packets_in(attempt.call, attempt.creation);
  return {};
}

}  // namespace

Result<void> restore(const Attempt& attempt, const sys::FileLock& lock) {
  REPRISE_PASS(base::fault_point("runtime-claimed"));
  host::WorkerLink worker = REPRISE_PASS(host::start_worker(request_of(attempt), &lock));
  const host::Ready ready = REPRISE_PASS(await_ready(worker));
  const int exit_code = REPRISE_TRY(run_restore(ready), "running runc restore");
  if (exit_code == 0) REPRISE_PASS(base::fault_point("runtime-restored"));
  // The tasks stand still until the worker has consumed the claim.
  [[maybe_unused]] const auto told = worker.socket.send(host::encode_restored(exit_code));
  const Result<host::Outcome> outcome = await_outcome(worker);
  if (!outcome) return settle_without_worker(attempt, outcome.error());
  if (!outcome->ok()) return std::unexpected(host::error_of(*outcome));
  if (!outcome->reason.empty()) tell_caller(attempt.call, Severity::kWarning, outcome->reason);
  if (const auto fault = base::fault_point("runtime-resumed"); !fault)
    tell_caller(attempt.call, Severity::kWarning, fault.error().message());
  [[maybe_unused]] const auto heard = worker.socket.send(host::encode_heard());
  return {};
}

// runc writes it as ".NAME" in the same directory, which must not be there yet, and renames it
// (createPidFile in its utils_linux.go): killed in between, it would refuse every later start.
Result<void> remove_unfinished_pid_file(const Call& call) {
  const auto value = call.arguments.option("pid-file");
  if (!value) return {};
  const std::filesystem::path file = *value;
  return sys::remove_tree(file.parent_path() / ("." + file.filename().string()));
}

Result<void> clean_up(const Call& call, const Creation& creation) {
  REPRISE_TRY(remove_unfinished_pid_file(call), "undoing a restore");
  REPRISE_TRY(call.runtime().release_restore_root(creation.who.id), "undoing a restore");
  let_packets_in(call, creation);
  constexpr std::chrono::seconds kLimit{60};
  if (const auto deleted = call.runtime().remove(creation.who.id, kLimit); !deleted)
    tell_caller(call, Severity::kWarning, deleted.error().message());
  REPRISE_TRY(host::settle_filling(call.layout, creation.who), "undoing a restore");
  return sys::remove_tree(call.layout.restoring_marker_of(creation.who));
}

}  // namespace reprise::runtime
