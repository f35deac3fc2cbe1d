// SPDX-License-Identifier: Apache-2.0
#include "session/guard.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "base/log.h"
#include "host/message.h"
#include "session/context.h"
#include "session/settlement.h"
#include "store/store.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::LogLevel;
using base::Result;

namespace {

Result<Context> open_context(const GuardedSession& guarded) {
  store::Store store = REPRISE_PASS(store::open_existing(guarded.store));
  sys::UniqueFd caller = REPRISE_PASS(sys::duplicate(guarded.caller->fd()));
  return Context{
      .layout = guarded.layout,
      .request = guarded.request,
      .store = std::move(store),
      .caller = sys::MessageSocket::adopt(std::move(caller)),
      .engine = engine_for(guarded.layout, guarded.request.session, guarded.hook_listener)};
}

// How the session's process ended.
struct End {
  enum class How : std::uint8_t { kExited, kKilled, kHung } how = How::kExited;
  int value = 0;  // exit status or signal
};

End collect(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return {.how = End::How::kKilled, .value = WTERMSIG(status)};
  return {.how = End::How::kExited, .value = WEXITSTATUS(status)};
}

End wait_for_session(pid_t pid, const FreezeWatch& watch) {
  const Result<sys::UniqueFd> process = sys::open_pidfd(pid);
  if (!process) return collect(pid);
  pollfd fds[] = {{.fd = process->get(), .events = POLLIN, .revents = 0},
                  {.fd = watch.fd().get(), .events = POLLIN, .revents = 0}};
  while (::poll(fds, 2, -1) < 0 && errno == EINTR) {
  }
  if (fds[0].revents != 0) return collect(pid);
  ::kill(pid, SIGKILL);  // our child, and not reaped: the pid is still its own
  // One that sits in the kernel is not waited for: it will never get back to its own code.
  constexpr int kKillPatienceMs = 200;
  while (::poll(fds, 1, kKillPatienceMs) < 0 && errno == EINTR) {
  }
  if (fds[0].revents != 0) collect(pid);
  return {.how = End::How::kHung};
}

Error cause_of(const End& end) {
  if (end.how == End::How::kHung)
    return Error(ErrorCode::kBusy, "the container stood still for longer than it may")
        .with_hint(
            "the annotation 'reprise.dev/freeze-limit' says how long; 'reprise logs' says "
            "what took so long");
  return Error(ErrorCode::kGone, "the worker was killed by signal " + std::to_string(end.value))
      .with_hint("was the host out of memory? see 'reprise logs' and dmesg");
}

// The exit status.
int take_over(const GuardedSession& guarded, const End& end) {
  const Error cause = cause_of(end);
  base::log(LogLevel::kError, "the session did not end by itself, taking over",
            {{"container", guarded.request.container.str()}, {"reason", cause.message()}});
  Result<Context> context = open_context(guarded);
  if (!context) {
    report(*guarded.caller, host::failed_outcome(context.error()));
    return base::exit_code(ErrorCode::kInternal);
  }
  const host::Outcome outcome =
      settle(*context, {.cause = cause, .patience = guarded.watch->left()});
  report(*guarded.caller, outcome);
  return outcome.ok() ? 0 : base::exit_code(ErrorCode::kInternal);
}

}  // namespace

int run_guarded(const GuardedSession& guarded, int (*session)(const GuardedSession&)) {
  // runc and CRIU become our children when the session is killed, so that they do not stay zombies
  // of an init that does not reap.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const pid_t pid = ::fork();
  if (pid < 0) {
    report(*guarded.caller, host::failed_outcome(Error::from_errno(errno, "forking the session")));
    return base::exit_code(ErrorCode::kInternal);
  }
  if (pid == 0) ::_exit(session(guarded));
  ::prctl(PR_SET_NAME, "reprise-guard", 0, 0, 0);
  // Whoever asked may go: from here on somebody answers for the session, whatever becomes of it.
  report(*guarded.caller, host::Phase{.name = "begin"});
  const End end = wait_for_session(pid, *guarded.watch);
  const int status = end.how == End::How::kExited ? end.value : take_over(guarded, end);
  [[maybe_unused]] const auto removed =
      sys::remove_tree(guarded.layout.session_run_directory(guarded.request.session));
  return status;
}

}  // namespace reprise::session
