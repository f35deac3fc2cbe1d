// SPDX-License-Identifier: Apache-2.0
#include "session/restore/restored.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "engine/engine.h"
#include "host/message.h"
#include "session/attributes.h"
#include "session/held_tasks.h"
#include "session/restore_images.h"
#include "session/restore_settlement.h"
#include "session/restored_tasks.h"
#include "sys/readable.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fault_point;
using base::Result;
using std::chrono::steady_clock;

namespace {

// The library that gives it the container's was not loaded, or runc passes descriptors otherwise.
Result<void> check_output(const std::filesystem::path& work_dir, pid_t init) {
  const auto file = "/proc/" + std::to_string(init) + "/fd/" + std::to_string(STDERR_FILENO);
  struct stat log{};
  struct stat output{};
  if (::stat((work_dir / "runc.log").c_str(), &log) != 0 || ::stat(file.c_str(), &output) != 0)
    return {};
  if (log.st_dev != output.st_dev || log.st_ino != output.st_ino) return {};
  return fail(ErrorCode::kInternal, "the container did not get its standard error");
}

// Stands between the wrapper, which runs runc, and CRIU, which asks at its steps.
class Restoring final : public engine::RestoreSteps {
 public:
  Restoring(Context& context, const oci::Spec& spec, Planned& planned, Phases& phases)
      : context_(context), spec_(spec), planned_(planned), phases_(phases) {}

  // As await_restored().
  Result<void> run();
  [[nodiscard]] pid_t init() const { return init_; }

 private:
  // What keeps the tasks from running.
  enum class Hold : std::uint8_t {
    kEngine,  // or there are none yet
    kCgroup,
    kCgroupEnded,  // they were ended in it
    kNothing,      // they were let go of before runc had ended, which cannot be undone
  };
  [[nodiscard]] bool in_cgroup() const {
    return hold_ == Hold::kCgroup || hold_ == Hold::kCgroupEnded;
  }

  void look_after_engine();
  [[nodiscard]] Result<void> check_pager() const;
  // Their results are kept in completed_.
  Result<void> namespaces_made(pid_t init) override;
  Result<void> tasks_made(pid_t init) override;
  Result<void> may_run(pid_t init) override;
  Result<void> before_resume(pid_t init);
  Result<void> take_result();
  [[nodiscard]] Result<void> runc_failed(int exit_code) const;
  Result<void> let_go_of_tasks() {
    // What misses memory must not run where nobody has that.
    if (planned_.pager) REPRISE_PASS(planned_.pager->await_ready());
    return let_go(context_, *planned_.reader, spec_.network_namespace_path);
  }

  Context& context_;
  const oci::Spec& spec_;
  Planned& planned_;
  Phases& phases_;
  Result<void> completed_{};  // what was done to the tasks before they run
  pid_t init_ = 0;            // from pre-resume on
  Hold hold_ = Hold::kEngine;
  std::optional<steady_clock::time_point> engine_idle_;  // gone or stopped, since when
};

Result<void> Restoring::run() {
  constexpr std::chrono::milliseconds kLook{300};
  constexpr std::chrono::milliseconds kSeldomLook{2000};  // through all processes of the host
  const auto deadline = steady_clock::now() + kRestoreLimit;
  for (;;) {
    const auto look = std::min(steady_clock::now() + (in_cgroup() ? kLook : kSeldomLook), deadline);
    switch (REPRISE_PASS(sys::wait_readable(planned_.restore->due(), context_.caller.fd(), look))) {
      case sys::Readable::kFirst:
        REPRISE_PASS(planned_.restore->do_step(*this));
        break;
      case sys::Readable::kSecond:
        return take_result();
      case sys::Readable::kNeither:
        REPRISE_PASS(check_pager());
        if (steady_clock::now() < deadline) {
          look_after_engine();
          break;
        }
        return fail(ErrorCode::kBusy, "runc did not end within the session's limit");
    }
  }
}

// Where CRIU is killed after it let the tasks go, runc waits for their end, for which they must not
// be frozen. Otherwise it ends in a moment when CRIU has, but for a child of it that stands still
// (seen once in a thousand random kills: one that was left stopped, and nobody's any more).
void Restoring::look_after_engine() {
  constexpr std::chrono::seconds kMoment{5};
  const auto now = steady_clock::now();
  const engine::EngineState engine = planned_.restore->state();
  if (engine == engine::EngineState::kRuns) return engine_idle_.reset();
  if (!engine_idle_) engine_idle_ = now;
  if (now - *engine_idle_ < kMoment) return;
  if (engine == engine::EngineState::kStopped) return planned_.restore->wake();
  if (!in_cgroup()) return;
  hold_ = Hold::kCgroupEnded;
  base::warn_and_ignore(end_held_tasks(context_), "runc may wait for long");
}

// Without it CRIU fails as well, but does not end then: it waits for the first of several threads
// that it killed, and does not reap the others, which it traces. Undoing the restore kills it.
Result<void> Restoring::check_pager() const {
  if (hold_ == Hold::kNothing || !planned_.pager || !planned_.pager->was_lost()) return {};
  return fail(ErrorCode::kGone, "the pager, which has the container's memory, has ended");
}

// A namespace that runc makes exists from here on.
Result<void> Restoring::namespaces_made(pid_t init) {
  if (completed_ && spec_.has_network_namespace && spec_.network_namespace_path.empty())
    completed_ =
        set_up_network(context_, spec_, "/proc/" + std::to_string(init) + "/ns/net", planned_);
  return completed_;
}

Result<void> Restoring::tasks_made(pid_t init) {
  phases_.begin("complete");
  const auto complete = [&]() -> Result<void> {
    REPRISE_PASS(fault_point("post-restore"));
    return complete_tasks(*planned_.reader, spec_, context_, *planned_.restore, init);
  };
  completed_ = complete();
  return completed_;
}

Result<void> Restoring::may_run(pid_t init) {
  completed_ = before_resume(init);
  // CRIU ends them next.
  if (!completed_) silence_tasks(context_);
  return completed_;
}

// They run when runc has done its part as well, so that whatever fails until then can be undone.
// Where nothing can hold them that long, this is the last moment at which they wait.
Result<void> Restoring::before_resume(pid_t init) {
  REPRISE_PASS(fault_point("pre-resume"));
  init_ = init;
  REPRISE_PASS(check_output(context_.directory(), init));
  note_not_given_back(restore_attributes(*planned_.reader, init_), planned_.lost);
  const Result<void> held = hold_tasks(context_);
  if (!held && held.error().code() != ErrorCode::kUnsupported) return held;
  if (!held) REPRISE_PASS(let_go_of_tasks());
  hold_ = held ? Hold::kCgroup : Hold::kNothing;
  return planned_.restore->give_leave();
}

Result<void> Restoring::take_result() {
  const auto message = REPRISE_TRY(context_.caller.receive(), "waiting for runc");
  const auto ended = message
                         ? host::decode_restored(*message)
                         : fail(ErrorCode::kGone, "the runtime wrapper died during the restore");
  if (hold_ == Hold::kNothing) {
    base::warn_and_ignore(ended, "the container runs");
    return {};
  }
  if (const int exit_code = REPRISE_PASS(ended); exit_code != 0) return runc_failed(exit_code);
  if (hold_ == Hold::kCgroupEnded)
    return std::unexpected(Error(ErrorCode::kGone, "CRIU was killed"));
  REPRISE_PASS(let_go_of_tasks());
  // It runs: from here on nothing may undo it.
  base::warn_and_ignore(fault_point("restore-told"), "restored");
  return {};
}

Result<void> Restoring::runc_failed(int exit_code) const {
  constexpr int kKilled = 128;  // the shells' convention, which the wrapper follows
  const engine::RestoreEnd end = planned_.restore->how_it_ended();
  if (exit_code > kKilled || end == engine::RestoreEnd::kCutOff)
    return std::unexpected(Error(ErrorCode::kGone, completed_ ? "CRIU or runc was killed"
                                                              : completed_.error().message())
                               .with_hint("was the host out of memory? see dmesg"));
  if (!completed_) return completed_;
  // Before CRIU was asked, runc refuses what is still on its way out: tasks of an attempt before.
  const bool begun = end != engine::RestoreEnd::kNotBegun;
  const Error error =
      cause_of_failure(Error(begun ? ErrorCode::kUnsupported : ErrorCode::kBusy,
                             "runc restore ended with exit status " + std::to_string(exit_code)),
                       *context_.engine, spec_);
  if (!planned_.pager) return std::unexpected(error);
  // With all memory first it may well succeed; so the next attempt is.
  return std::unexpected(Error(ErrorCode::kBusy, error.message()).with_hint(error.hint()));
}

}  // namespace

Result<Restored> await_restored(Context& context, const Requested& requested, Planned planned,
                                Phases& phases) {
  Restoring restoring(context, requested.spec, planned, phases);
  REPRISE_PASS(restoring.run());
  return Restored{.reader = std::move(planned.reader),
                  .init = restoring.init(),
                  .lost = std::move(planned.lost)};
}

void note_not_given_back(const Result<std::vector<std::string>>& failed,
                         std::vector<std::string>& lost) {
  if (!failed) {
    lost.push_back("not given back: " + failed.error().message());
    return;
  }
  constexpr std::size_t kMostTold = 3;
  for (std::size_t i = 0; i < std::min(failed->size(), kMostTold); ++i)
    lost.push_back("not given back: " + (*failed)[i]);
  if (failed->size() > kMostTold)
    lost.push_back("and " + std::to_string(failed->size() - kMostTold) +
                   " more, see 'reprise logs'");
  for (const std::string& one : *failed)
    base::log(base::LogLevel::kWarn, "not given back", {{"what", one}});
}

}  // namespace reprise::session
