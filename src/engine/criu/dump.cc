// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/dump.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "engine/criu/config.h"
#include "engine/criu/flight.h"
#include "engine/criu/hook.h"
#include "engine/criu/log.h"
#include "engine/criu/orphaned_helpers.h"
#include "engine/criu/page_server.h"
#include "engine/criu/preloaded.h"
#include "engine/criu/spawning.h"
#include "engine/criu/stopped_tasks.h"
#include "engine/criu/timer_threads.h"
#include "engine/criu/tools.h"
#include "image/criu_log.h"
#include "image/criu_stats.h"
#include "sys/child.h"
#include "sys/files.h"
#include "sys/process.h"
#include "sys/readable.h"

namespace reprise::engine {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;
using std::chrono::steady_clock;

namespace {

// How long CRIU gets to undo what it did (cure the tasks, thaw) after we gave up on it: killed in
// the middle of that, it leaves a mapping of its parasite code behind in the tasks.
constexpr std::chrono::seconds kGraceAfterThaw{5};

// A program reads what the kernel tells it within moments, which it gets while the next CRIU
// starts; one that did not twice leaves it lying about. What CRIU stumbles over for a cause that
// nobody knows may be such a moment as well: tasks come and go while it looks at them.
constexpr int kAttempts = 3;
// No attempt but the last begins after this part of the time limit, so that each has room in it.
constexpr int kShareOfAttempts = 4;

// A program that is starting another has done so in a fraction of this; what does not get through
// is dumped again and again for as long as CRIU would have waited for it, but with the tasks
// running.
constexpr std::chrono::seconds kSpawnPatience{1};
constexpr std::chrono::seconds kSpawnLimit{10};

// Not below the store, whose file system may know no sockets.
std::filesystem::path page_socket(const DumpJob& request) {
  return request.hook_socket.parent_path() / "pages";
}

Result<sys::Child> start_runc(const DumpJob& request, const image::PageSink& sink) {
  const std::filesystem::path config = criu_config_file(request.work_dir);
  REPRISE_PASS(sys::replace_file(
      config, dump_config(hook_program(request.worker), request.watched, request.outside)));
  sys::SpawnOptions options;
  options.argv = request.runtime.command({"checkpoint", "--image-path", sink.spool().string(),
                                          "--work-path", request.work_dir.string(),
                                          "--tcp-established", "--ext-unix-sk", "--file-locks"});
  if (request.after == AfterDump::kRunOn) options.argv.emplace_back("--leave-running");
  options.argv.push_back(request.container.str());
  auto variables = hook_variables({.socket = request.hook_socket,
                                   .freeze_file = freeze_file(request.work_dir),
                                   .ask_when_frozen = request.tells_frozen});
  variables.emplace_back("CRIU_CONFIG_FILE", config.string());
  variables.push_back(page_server_variable(page_socket(request)));
  variables.emplace_back("TAR_OPTIONS", kTarOptions);
  variables.emplace_back("LD_PRELOAD",
                         REPRISE_PASS(libraries_for_dump(request.worker, request.init)));
  options.env = sys::default_environment(variables);
  const sys::UniqueFd log =
      REPRISE_PASS(sys::open_file(request.work_dir / "runc.log", O_WRONLY | O_CREAT | O_TRUNC));
  options.fds = {{log.get(), 1}, {log.get(), 2}};
  return sys::Child::spawn(options);
}

// What is done where a program has not read yet what CRIU cannot save: events of inotify, with
// which it would dump all the same, or messages of netlink sockets, with which it would not.
enum class Unread : std::uint8_t { kTryAgain, kAccept };

// What was asked in the course of a dump, and what came of it.
struct Dialogue {
  std::filesystem::path spool;
  PageServer& pages;
  Unread unread = Unread::kAccept;
  bool asked = false;
  bool refused = false;  // for what is unread
  bool stuck = false;    // CRIU was told to give up
  Result<void> sealed{};
};

std::string log_of(const DumpJob& request) {
  return sys::read_file(request.work_dir / "dump.log").value_or("");
}

bool drops_events(const DumpJob& request) {
  return !request.watched.empty() && image::drops_events(log_of(request));
}

// All tasks stand still.
Result<void> decide(const DumpJob& request, DumpSteps& steps, Dialogue& dialogue) {
  if (drops_events(request)) {
    if (dialogue.unread == Unread::kTryAgain) {
      dialogue.refused = true;
      return fail(ErrorCode::kBusy, "events of inotify are unread");
    }
    base::log(base::LogLevel::kWarn, "unread events of inotify are not in the checkpoint",
              {{"container", request.container.str()}});
  }
  REPRISE_TRY(dialogue.pages.finish(), "taking the memory");
  // Sealed as they are, they might never be restored.
  if (Result<void> ordered = order_flight(dialogue.spool); !ordered) {
    dialogue.refused =
        dialogue.unread == Unread::kTryAgain && ordered.error().code() == ErrorCode::kUnsupported;
    return ordered;
  }
  REPRISE_TRY(mend_timer_threads(dialogue.spool, "/proc", request.init),
              "saving which threads timers signal");
  REPRISE_PASS(steps.written());
  return request.after == AfterDump::kEnd ? steps.may_end() : Result<void>();
}

// Until runc has ended. An error means that it may not have.
Result<sys::ExitStatus> see_to_its_end(const DumpJob& request, sys::Child& runc,
                                       sys::MessageListener& listener, DumpSteps& steps,
                                       Dialogue& dialogue) {
  const auto deadline = steady_clock::now() + request.limit;
  StuckSpawns spawns(request.init);
  StuckSeize seize(request.init);
  OrphanedHelpers orphans(request.work_dir, runc.pid());
  REPRISE_PASS(base::fault_point("dump-begun"));
  for (;;) {
    const bool looks = !dialogue.asked && !frozen_for(freeze_file(request.work_dir));
    const auto next = looks ? steady_clock::now() + StuckSpawns::kInterval : deadline;
    const sys::Readable readable =
        REPRISE_PASS(sys::wait_readable(listener.fd(), runc.pidfd(), std::min(next, deadline)));
    if (readable == sys::Readable::kNeither && steady_clock::now() < deadline) {
      if (looks && spawns.look()) dialogue.stuck = true;
      if (looks) orphans.look();
      if (looks && seize.look()) REPRISE_TRY(request.cgroup.thaw(), "letting CRIU go on");
      continue;
    }
    if (readable == sys::Readable::kNeither)
      return std::unexpected(
          Error(ErrorCode::kBusy,
                "the dump did not end within " + std::to_string(request.limit.count()) + " ms")
              .with_hint("the container was thawed and runs on; see 'reprise logs'"));
    if (readable == sys::Readable::kSecond) return runc.wait();
    HookQuestion question = REPRISE_PASS(accept_question(listener));
    if (question.step == HookStep::kNetworkLock) {
      if (request.tells_frozen && dialogue.sealed) dialogue.sealed = steps.frozen();
      REPRISE_TRY(answer(question, dialogue.sealed ? Verdict::kProceed : Verdict::kAbort),
                  "answering CRIU");
      continue;
    }
    // A hook that lost its answer asks again: the answer stands.
    if (!std::exchange(dialogue.asked, true)) dialogue.sealed = decide(request, steps, dialogue);
    // A hook that is gone has been answered with its default, which is to let the tasks run on.
    REPRISE_TRY(answer(question, dialogue.sealed ? Verdict::kProceed : Verdict::kAbort),
                "answering CRIU");
  }
}

// CRIU must not outlive the session: it would hold the tasks, and nobody would answer it. Tasks
// that stand still because it hangs must run again before anything else, and a thaw is also what
// makes a CRIU that hangs on a frozen, stopped task go on (facts: cgroup v1, SIGSTOP).
Error give_up(const DumpJob& request, sys::MessageListener& listener, Verdict verdict,
              Error error) {
  error = request.cgroup.thaw_after(std::move(error));
  if (Result<void> ended = end_tools({.work_dir = request.work_dir,
                                      .hook_listener = &listener,
                                      .verdict = verdict,
                                      .patience = kGraceAfterThaw});
      !ended)
    error = std::move(error).with_suppressed(ended.error());
  return error;
}

Error describe_failure(const DumpJob& request, const sys::ExitStatus& status) {
  Error error(ErrorCode::kIo, "runc checkpoint ended with " + status.describe());
  const Result<std::string> log = sys::read_file(request.work_dir / "runc.log");
  if (log && log->find("executable file not found") != std::string::npos)
    return Error(ErrorCode::kUnsupported, "'criu' is not installed")
        .with_hint("install criu 4.2.1 or newer; 'reprise doctor' checks the host");
  return with_criu_cause(std::move(error), request.work_dir / "dump.log");
}

std::unexpected<Error> fail_to_spawn() {
  return std::unexpected(
      Error(ErrorCode::kBusy,
            "a program waits for one that it is starting (vfork), and cannot be "
            "stopped meanwhile")
          .with_hint("try again when that was started; 'ps' shows the waiting one in state D"));
}

enum class Outcome : std::uint8_t {
  kDumped,
  kUnread,    // something that CRIU cannot save
  kGaveUp,    // CRIU did, nobody knows why; the tasks run on
  kSpawning,  // a program was starting another
};

const char* words_for(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUnread:
      return "something passing cannot be saved, dumping anew";
    case Outcome::kGaveUp:
      return "CRIU gave up for a cause that is not known, dumping anew";
    case Outcome::kSpawning:
      return "a program is being started, dumping anew";
    case Outcome::kDumped:
      break;
  }
  return "dumped";
}

Result<Outcome> run_dump(const DumpJob& request, image::PageSink& sink,
                         sys::MessageListener& listener, DumpSteps& steps, Unread unread) {
  // Of an attempt before.
  REPRISE_PASS(sys::remove_tree(freeze_file(request.work_dir)));
  REPRISE_PASS(sink.restart());
  const auto pages = REPRISE_TRY(PageServer::start({page_socket(request), request.work_dir}, sink),
                                 "starting a page server");
  sys::Child runc = REPRISE_TRY(start_runc(request, sink), "starting runc");
  Dialogue dialogue{.spool = sink.spool(), .pages = *pages, .unread = unread};
  Result<sys::ExitStatus> status = see_to_its_end(request, runc, listener, steps, dialogue);
  if (!status) {
    const bool sealed = dialogue.asked && dialogue.sealed;
    return std::unexpected(give_up(request, listener, sealed ? Verdict::kProceed : Verdict::kAbort,
                                   std::move(status).error()));
  }
  REPRISE_PASS(base::fault_point("dump-ended"));
  if (dialogue.refused) return Outcome::kUnread;
  if (!dialogue.sealed) return std::unexpected(std::move(dialogue.sealed).error());
  if (!status->success()) {
    // Not of a CRIU that gave up by itself: it has hung up.
    if (Result<void> taken = pages->finish(); !taken && taken.error().code() != ErrorCode::kGone)
      return std::unexpected(std::move(taken).error().with_step("taking the memory"));
    if (dialogue.stuck) return Outcome::kSpawning;
    if (unread == Unread::kTryAgain && image::found_passing_state(log_of(request)))
      return Outcome::kUnread;
    Error failure = describe_failure(request, *status);
    if (unread != Unread::kTryAgain || dialogue.asked || !image::gave_up_unharmed(log_of(request)))
      return std::unexpected(std::move(failure));
    // The next attempt writes its log over this one's.
    base::log(base::LogLevel::kWarn, "CRIU gave up", {{"error", failure.details()}});
    return Outcome::kGaveUp;
  }
  if (!dialogue.asked) return fail(ErrorCode::kInternal, "CRIU did not run its post-dump step");
  return Outcome::kDumped;
}

Result<Outcome> dump_once(const DumpJob& request, image::PageSink& sink,
                          sys::MessageListener& listener, DumpSteps& steps, Unread unread) {
  const bool frozen = REPRISE_PASS(hold_stopped_tasks(request.cgroup, request.init));
  Result<Outcome> outcome = run_dump(request, sink, listener, steps, unread);
  // CRIU leaves a cgroup as frozen as it found it.
  if (!frozen) return outcome;
  const Result<void> thawed = request.cgroup.thaw();
  if (outcome && !thawed) return std::unexpected(thawed.error());
  return outcome;
}

}  // namespace

Result<void> dump(const DumpJob& request, image::PageSink& sink, sys::MessageListener& listener,
                  DumpSteps& steps) {
  const auto begin = steady_clock::now();
  for (int unread = 0;;) {
    await_spawns(request.init, kSpawnPatience);
    const auto spent = steady_clock::now() - begin;
    const auto share = request.limit / kShareOfAttempts;
    const bool last = unread + 1 == kAttempts || spent > share;
    const Outcome outcome = REPRISE_PASS(
        dump_once(request, sink, listener, steps, last ? Unread::kAccept : Unread::kTryAgain));
    if (outcome == Outcome::kDumped) return {};
    if (outcome == Outcome::kUnread || outcome == Outcome::kGaveUp) ++unread;
    if (outcome == Outcome::kSpawning &&
        spent > std::min<steady_clock::duration>(kSpawnLimit, share))
      return fail_to_spawn();
    base::log(base::LogLevel::kInfo, words_for(outcome), {{"container", request.container.str()}});
  }
}

Result<DumpStats> load_dump_stats(const std::filesystem::path& work_dir) {
  const std::string data = REPRISE_PASS(sys::read_file(work_dir / "stats-dump"));
  const image::CriuDumpStats stats =
      REPRISE_TRY(image::decode_dump_stats(data), "reading CRIU's statistics");
  constexpr std::uint64_t kPageSize = 4096;
  return DumpStats{.frozen = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::microseconds(stats.frozen_us)),
                   .memory_bytes = stats.pages_written * kPageSize};
}

}  // namespace reprise::engine
