// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint_attempt.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "container/task_tree.h"
#include "host/begin_worker.h"
#include "host/identity.h"
#include "host/message.h"
#include "host/request.h"
#include "host/worker_link.h"
#include "oci/annotations.h"
#include "oci/cri.h"
#include "runtime/key.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::runtime {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

std::optional<oci::PodContainer> pod_in(const Result<oci::State>& state) {
  return state ? oci::pod_container(state->annotations) : std::nullopt;
}

host::WorkerRequest request_of(const Call& call, const host::Identity& who,
                               const Result<oci::State>& state, int signal) {
  const auto pod = pod_in(state);
  // The worker asks Podman for the names of others.
  return {.session = base::SessionId::random(),
          .container = who.id,
          .key = with_key(call, who, state).key,
          .runtime_args = call.arguments.state_globals(),
          .name_space = pod ? pod->name_space : "",
          .lock_passed = true,
          .what = host::CheckpointRequest{.end = true,
                                          .trigger = image::Trigger::kStop,
                                          .signal = signal,
                                          .tag = {},
                                          .name = pod ? oci::full_name(*pod) : ""}};
}

// The conmon of a container that nobody heard of. When its container ends it would tell Podman so,
// which would take that for the end of the container that is being made now, and delete it. So it
// stands still from the freeze on, and is ended in silence if there is a checkpoint.
class Monitor {
 public:
  explicit Monitor(pid_t init) : init_(init) {
    const auto status = sys::read_file(proc() / "status");
    const std::string parent = container::status_field(status.value_or(""), "PPid");
    if (parent.empty() || sys::read_file("/proc/" + parent + "/comm").value_or("") != "conmon\n")
      return;
    if (auto opened = sys::open_pidfd(static_cast<pid_t>(std::stol(parent))))
      process_ = *std::move(opened);
  }
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  ~Monitor() { send(SIGCONT); }

  // The tasks stand still: what they have printed is to be in the log before.
  void hold() const {
    constexpr std::chrono::milliseconds kPatience{500};
    constexpr std::chrono::milliseconds kPoll{1};
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (unread(1) + unread(2) > 0 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(kPoll);
    send(SIGSTOP);
  }
  void end() const { send(SIGKILL); }

 private:
  [[nodiscard]] std::filesystem::path proc() const { return "/proc/" + std::to_string(init_); }
  // Of a pipe; 0 for anything else.
  [[nodiscard]] int unread(int fd) const {
    const auto pipe =
        sys::open_file(proc() / "fd" / std::to_string(fd), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat status{};
    int bytes = 0;
    const bool is_pipe = pipe && ::fstat(pipe->get(), &status) == 0 && S_ISFIFO(status.st_mode);
    return is_pipe && ::ioctl(pipe->get(), FIONREAD, &bytes) == 0 ? bytes : 0;
  }
  void send(int signal) const {
    if (process_.valid()) [[maybe_unused]]
      const auto sent = sys::send_signal(process_, signal);
  }

  pid_t init_;
  sys::UniqueFd process_;
};

Result<host::Outcome> outcome_of(host::WorkerLink& worker, const Monitor& monitor,
                                 std::chrono::milliseconds patience) {
  for (;;) {
    host::WorkerMessage message = REPRISE_PASS(host::next_message(worker, patience));
    if (auto* outcome = std::get_if<host::Outcome>(&message)) return std::move(*outcome);
    // The first that a session does while they stand still (session/checkpoint/sealed.cc).
    const auto* phase = std::get_if<host::Phase>(&message);
    if (phase != nullptr && phase->name == "copy-files") monitor.hold();
  }
}

}  // namespace

Result<void> begin_checkpoint(const Call& call, const host::Identity& who,
                              const Result<oci::State>& state, int signal,
                              const sys::FileLock& lock) {
  REPRISE_PASS(host::begin_worker(call.layout, request_of(call, who, state, signal), lock));
  return {};
}

Result<void> checkpoint_never_started(const Call& call, const host::Identity& who) {
  std::error_code unknown;
  if (!std::filesystem::exists(call.layout.restored_marker_of(who), unknown) && !unknown) return {};
  const auto state = call.runtime().state_of(who.id);
  if (!state && state.error().code() == ErrorCode::kNotFound) return {};
  if (!state) return std::unexpected(state.error());
  if (!sys::is_alive(state->init)) return {};
  const auto limit =
      REPRISE_PASS(oci::parse_wishes(state->annotations)).freeze_limit + std::chrono::seconds(60);
  const sys::FileLock lock = REPRISE_TRY(sys::FileLock::lock(call.layout.lock_of(who), limit),
                                         "waiting for another session of the container");
  // Meanwhile another may have saved it.
  if (!sys::is_alive(state->init)) return {};
  const Monitor monitor(state->init.pid);
  host::WorkerLink worker =
      REPRISE_PASS(host::begin_worker(call.layout, request_of(call, who, state, 0), lock));
  const host::Outcome outcome = REPRISE_PASS(outcome_of(worker, monitor, limit));
  if (outcome.ok()) {
    monitor.end();
    return {};
  }
  return std::unexpected(
      Error(outcome.code,
            "it was restored and runs, although nobody started it, and cannot be checkpointed: " +
                outcome.reason)
          .with_hint(outcome.hint.empty() ? "'reprise logs' says more" : outcome.hint));
}

}  // namespace reprise::runtime
