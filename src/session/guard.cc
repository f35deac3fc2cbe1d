// SPDX-License-Identifier: Apache-2.0
#include "session/guard.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "base/log.h"
#include "engine/criu_hook.h"
#include "session/checkpoint_session.h"
#include "session/context.h"
#include "session/promise.h"
#include "session/restore_rootfs.h"
#include "session/restore_session.h"
#include "session/restore_settlement.h"
#include "sys/files.h"
#include "sys/readable.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::LogLevel;
using base::Result;

namespace {

Result<Context> open_context(const GuardedSession& guarded) {
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(guarded.layout.store));
  auto store = REPRISE_PASS(store::open_directory_store(guarded.layout.store));
  sys::UniqueFd caller = REPRISE_PASS(sys::duplicate(guarded.caller->fd()));
  return Context{.layout = guarded.layout,
                 .request = guarded.request,
                 .catalog = std::move(catalog),
                 .store = std::move(store),
                 .caller = sys::MessageSocket::adopt(std::move(caller))};
}

// What the killed session had sealed, if it got that far.
std::optional<image::Manifest> find_sealed(Context& context) {
  const auto ids = context.store->list();
  if (!ids) return std::nullopt;
  for (const base::CheckpointId& id : *ids) {
    const auto reader = context.store->open(id);
    if (reader && (*reader)->manifest().parent_session == context.request.session.str())
      return (*reader)->manifest();
  }
  return std::nullopt;
}

bool children_are_left() {
  for (;;) {
    const pid_t pid = ::waitpid(-1, nullptr, WNOHANG);
    if (pid == 0) return true;
    if (pid < 0 && errno != EINTR) return false;
  }
}

// runc and CRIU are our children now. They end by themselves once the hook is answered; the limit
// is for a CRIU that hangs, which a thaw frees.
void see_dump_to_its_end(const GuardedSession& guarded, engine::Verdict verdict) {
  const auto deadline = std::chrono::steady_clock::now() + kSessionLimit;
  constexpr int kPollMs = 20;
  while (children_are_left() && std::chrono::steady_clock::now() < deadline) {
    pollfd poll_fd{.fd = guarded.hook_listener->fd().get(), .events = POLLIN, .revents = 0};
    if (::poll(&poll_fd, 1, kPollMs) <= 0) continue;
    if (auto question = engine::accept_question(*guarded.hook_listener)) [[maybe_unused]]
      const auto answered = engine::answer(*question, verdict);
  }
}

container::WorkerEvent settle_sealed(Context& context, const image::Manifest& manifest) {
  container::WorkerEvent outcome;
  outcome.kind = container::WorkerEventKind::kOutcome;
  outcome.ok = true;
  outcome.checkpoint = manifest.id.str();
  if (!context.catalog.find_checkpoint(manifest.id.str()))
    if (const auto added = context.catalog.add_checkpoint(
            manifest, context.request.tag,
            manifest.ended ? store::Catalog::Continue::kYes : store::Catalog::Continue::kNo);
        !added)
      outcome = failed_outcome(added.error());
  const auto state =
      container::load_runc_state(context.request.runtime_args, context.request.container);
  if (state && manifest.ended)
    if (const auto spec = container::load_oci_spec(state->bundle))
      end_sealed_container(*state, *spec);
  return outcome;
}

container::WorkerEvent settle_failed(const Result<void>& undone, const Error& cause) {
  if (!undone)
    base::log(LogLevel::kError, "rollback is incomplete", {{"error", undone.error().details()}});
  return failed_outcome(cause);
}

container::WorkerEvent take_over_checkpoint(const GuardedSession& guarded, Context& context,
                                            const Error& cause) {
  const std::optional<image::Manifest> sealed = find_sealed(context);
  see_dump_to_its_end(guarded, sealed ? engine::Verdict::kProceed : engine::Verdict::kAbort);
  if (sealed) return settle_sealed(context, *sealed);
  return settle_failed(restore_promise(context.layout, context.request, *context.store), cause);
}

// Tasks that nobody has completed must not run; where the session had let them pass, what is left
// is their network.
void answer_restore(sys::MessageListener& listener, Context& context) {
  auto question = engine::accept_question(listener);
  if (!question) return;
  if (question->step == engine::HookStep::kPreResume) {
    const auto spec = container::load_oci_spec(context.request.bundle);
    const auto reader = context.store->open(context.request.checkpoint);
    if (spec && reader) settle_network(*spec, (*reader)->manifest());
  }
  [[maybe_unused]] const auto answered = engine::answer(
      *question, question->step == engine::HookStep::kPreResume ? engine::Verdict::kProceed
                                                                : engine::Verdict::kAbort);
}

// Whether the container runs: what the wrapper says of the `runc restore` that it was told to run.
bool see_restore_to_its_end(const GuardedSession& guarded, Context& context) {
  std::error_code ignored;
  if (!std::filesystem::exists(context.ready_marker(), ignored)) return false;
  const auto deadline = std::chrono::steady_clock::now() + kSessionLimit;
  for (;;) {
    const auto readable =
        sys::wait_readable(guarded.hook_listener->fd(), context.caller.fd(), deadline);
    if (!readable || *readable == sys::Readable::kNeither) return false;
    if (*readable == sys::Readable::kFirst) {
      answer_restore(*guarded.hook_listener, context);
      continue;
    }
    const auto message = context.caller.receive();
    return message && *message && container::decode_restored(**message).value_or(1) == 0;
  }
}

container::WorkerEvent take_over_restore(const GuardedSession& guarded, Context& context,
                                         const Error& cause) {
  if (!see_restore_to_its_end(guarded, context))
    return settle_failed(undo_restore_preparation(context), cause);
  settle_restored(context);
  container::WorkerEvent outcome;
  outcome.kind = container::WorkerEventKind::kOutcome;
  outcome.ok = true;
  outcome.checkpoint = context.request.checkpoint.str();
  return outcome;
}

store::LifeEvent life_event(bool is_checkpoint, bool ok) {
  if (is_checkpoint) return store::LifeEvent::kCheckpointed;
  return ok ? store::LifeEvent::kRestored : store::LifeEvent::kRestoreFailed;
}

void record_outcome(Context& context, const container::WorkerEvent& outcome) {
  const store::SessionRow row{.id = context.request.session,
                              .key = context.key(),
                              .end = base::now_unix_millis(),
                              .status = outcome.ok ? "ok" : "failed",
                              .reason = outcome.reason,
                              .hint = outcome.hint,
                              .checkpoint = base::CheckpointId(outcome.checkpoint),
                              .phases = "{}",
                              .log_directory = context.directory().string()};
  [[maybe_unused]] const auto finished = context.catalog.finish_session(row);
  const bool is_checkpoint = context.request.verb == container::WorkerVerb::kCheckpoint;
  // A checkpoint that came to nothing changed nothing in the container's history.
  if (is_checkpoint && !outcome.ok) return;
  const store::LifeRow life{.key = context.key(),
                            .time = base::now_unix_millis(),
                            .event = life_event(is_checkpoint, outcome.ok),
                            .session = context.request.session,
                            .checkpoint = is_checkpoint ? base::CheckpointId(outcome.checkpoint)
                                                        : context.request.checkpoint,
                            .detail = is_checkpoint ? context.request.trigger : outcome.reason};
  [[maybe_unused]] const auto added = context.catalog.add_life_event(life);
}

void take_over(const GuardedSession& guarded, int signal) {
  const Error cause =
      Error(ErrorCode::kInternal, "the worker was killed by signal " + std::to_string(signal))
          .with_hint("was the host out of memory? see 'reprise logs' and dmesg");
  base::log(LogLevel::kError, "the worker was killed, taking over",
            {{"container", guarded.request.container.str()}, {"signal", std::to_string(signal)}});
  Result<Context> context = open_context(guarded);
  if (!context) {
    // Without a catalog nothing is known to be sealed: the tasks run on.
    if (guarded.request.verb == container::WorkerVerb::kCheckpoint)
      see_dump_to_its_end(guarded, engine::Verdict::kAbort);
    report(*guarded.caller, failed_outcome(context.error()));
    return;
  }
  const container::WorkerEvent outcome = guarded.request.verb == container::WorkerVerb::kCheckpoint
                                             ? take_over_checkpoint(guarded, *context, cause)
                                             : take_over_restore(guarded, *context, cause);
  record_outcome(*context, outcome);
  report(*guarded.caller, outcome);
}

}  // namespace

int run_guarded(const GuardedSession& guarded, int (*session)(const GuardedSession&)) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const pid_t pid = ::fork();
  if (pid < 0) {
    report(*guarded.caller, failed_outcome(Error::from_errno(errno, "forking the session")));
    return base::exit_code(ErrorCode::kInternal);
  }
  if (pid == 0) ::_exit(session(guarded));
  ::prctl(PR_SET_NAME, "reprise-guard", 0, 0, 0);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) take_over(guarded, WTERMSIG(status));
  [[maybe_unused]] const auto removed =
      sys::remove_tree(guarded.layout.session_run_directory(guarded.request.session));
  return WIFEXITED(status) ? WEXITSTATUS(status) : base::exit_code(ErrorCode::kInternal);
}

}  // namespace reprise::session
