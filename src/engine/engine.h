// SPDX-License-Identifier: Apache-2.0
//
// What dumps and restores a container for one session. There is one engine, runc with CRIU
// (engine/criu/), and a fake of it for the tests of sessions.
//
// A dump is begun, and then freezes the container and writes it. A restore is planned, run by the
// wrapper, and answered.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "container/cgroup.h"
#include "image/criu_own_mounts.h"
#include "image/page_sink.h"
#include "oci/runtime.h"
#include "sys/message_socket.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace reprise::engine {

enum class AfterDump : std::uint8_t { kEnd, kRunOn };

struct DumpRequest {
  oci::Runtime runtime;
  base::ContainerId container;
  container::Cgroup cgroup;          // of the container; thawed if the engine hangs
  pid_t init = 0;                    // its first process
  std::vector<std::string> watched;  // paths that it watches by inotify
  std::vector<std::string> outside;  // mounts that a restore gets from elsewhere
  AfterDump after = AfterDump::kRunOn;
  bool tells_frozen = false;           // whether frozen() is wanted, which costs freeze time
  std::chrono::milliseconds limit{0};  // of the whole dump, for an engine that hangs
};

// What is done at the steps of a dump, with all tasks standing still. After an error they run on,
// whatever was asked for, and the dump fails with it.
class DumpSteps {
 public:
  virtual ~DumpSteps() = default;
  // In each attempt, before the engine has looked at their descriptors; not in the host's network.
  virtual base::Result<void> frozen() = 0;
  // Once: all of them is in the sink's spool.
  virtual base::Result<void> written() = 0;
  // Only with AfterDump::kEnd: they end after it. A checkpoint must be sealed by then.
  virtual base::Result<void> may_end() = 0;
};

// Of a dump after which the container runs on.
struct DumpStats {
  std::chrono::milliseconds frozen{0};
  std::uint64_t memory_bytes = 0;
};

class Dump {
 public:
  virtual ~Dump() = default;
  // Blocks until the engine has ended. Where a program has not read yet what cannot be saved, the
  // tasks run on and are dumped anew, up to three times if time is left. Then events of inotify are
  // lost, and the log says so; messages of netlink sockets are an error. Anew as well where the
  // engine gives up for a cause that it has no words for; and where a program is starting another
  // just then: up to 10 s, then kBusy.
  //
  // After success the tasks have ended (kEnd) or run on. After a failure they run on, unless the
  // container itself is gone; the error is that of a step, or tells the cause in our words, with a
  // hint. kBusy when `limit` ran out: the cgroup was thawed and the engine ended.
  virtual base::Result<DumpStats> freeze_and_write(DumpSteps& steps) = 0;
  // How long ago the tasks were stopped; nullopt if they were not, or that is not known (in the
  // host's network).
  [[nodiscard]] virtual std::optional<std::chrono::milliseconds> frozen_for() const = 0;
};

// Where in the container, and where on the host.
using OutsideMounts = std::vector<std::pair<std::string, std::filesystem::path>>;

struct RestoreRequest {
  base::ContainerId container;
  std::filesystem::path bundle;
  std::filesystem::path program;     // of the runtime
  std::vector<std::string> globals;  // of whoever runs it: before the verb
  std::vector<std::string> options;  // and after it
  std::filesystem::path images;      // from the checkpoint; they may be changed
  image::Rename renamed;             // the container, since the checkpoint
  std::vector<std::string> cgroups;  // where it mounts cgroup v1's directories
  OutsideMounts elsewhere;           // mounts that come from another place than the bundle says
  // Memory that its page maps call lazy is not in the images: whoever listens at lazy_socket()
  // gives it to the tasks.
  bool lazy = false;
};

// What is done at the steps of a restore, with all tasks waiting. After an error they are ended,
// without having run, and the restore fails.
class RestoreSteps {
 public:
  virtual ~RestoreSteps() = default;
  // The namespaces exist, and no socket yet.
  virtual base::Result<void> namespaces_made(pid_t init) = 0;
  // All tasks are made; the network is not yet theirs.
  virtual base::Result<void> tasks_made(pid_t init) = 0;
  // Sockets are live, and the engine is about to let go of the tasks.
  virtual base::Result<void> may_run(pid_t init) = 0;
};

// What the engine itself does, all processes of it taken together.
enum class EngineState : std::uint8_t {
  kGone,
  kStopped,  // by a signal: it does nothing until somebody continues it
  kRuns,
};

// How a restore ended that failed.
enum class RestoreEnd : std::uint8_t {
  kNotBegun,  // the runtime refused it
  kCutOff,    // it was killed
  kRefused,   // it says why in its log
};

// The runtime's command, for somebody else to run.
struct RestoreCommand {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;
};

class Restore {
 public:
  virtual ~Restore() = default;
  // Hard limits of tasks that this host cannot give back, in words; empty if there is none.
  [[nodiscard]] virtual base::Result<std::string> lost_limits() const = 0;
  // `mounted`: what is mounted on the host for the tasks.
  virtual base::Result<RestoreCommand> plan(const OutsideMounts& mounted) = 0;
  // Readable when a step is due.
  [[nodiscard]] virtual const sys::UniqueFd& due() const = 0;
  // Does the step. An error tells that none could be read; that of a step its own visitor knows.
  virtual base::Result<void> do_step(RestoreSteps& steps) = 0;
  // Of may_run(), last of all: the tasks are let go of when it returns. Without it they are ended.
  virtual base::Result<void> give_leave() = 0;
  [[nodiscard]] virtual EngineState state() const = 0;
  // Continues what is stopped.
  virtual void wake() = 0;
  // Timers of tasks that wait: those that had expired go on.
  virtual base::Result<void> restart_timers(pid_t init) = 0;
  [[nodiscard]] virtual RestoreEnd how_it_ended() const = 0;
};

enum class Verdict : std::uint8_t { kProceed, kAbort };

class Engine {
 public:
  virtual ~Engine() = default;
  // kUnsupported, with a hint, where it is not installed.
  [[nodiscard]] virtual base::Result<std::string> version() const = 0;
  // Touches nothing yet. `sink` outlives the dump.
  virtual base::Result<std::unique_ptr<Dump>> begin(DumpRequest request, image::PageSink& sink) = 0;
  // Makes the images fit for it; kCorrupt if they are damaged.
  virtual base::Result<std::unique_ptr<Restore>> begin(RestoreRequest request) = 0;

  // The engine's processes, and the runtime's, that work for this session.
  [[nodiscard]] virtual std::vector<sys::ProcessRef> processes() const = 0;
  // Blocks until none of them is left: a step that is due is answered with `verdict`; what was
  // stopped is continued, and what does not end within `patience` is killed. kBusy if one does not
  // end even then.
  virtual base::Result<void> end(Verdict verdict, std::chrono::milliseconds patience) = 0;
  // What is left of a restore that was killed, or undone: ends its tasks, and has the runtime
  // forget the container. Also for one that was not restored at all. After end().
  virtual base::Result<void> remove_restored(const oci::Runtime& runtime,
                                             const base::ContainerId& container) = 0;
  // What was lifted for a restore holds again. Success also if nothing was.
  virtual base::Result<void> put_limits_back() = 0;
  // The engine's log of a restore.
  [[nodiscard]] virtual std::filesystem::path restore_log() const = 0;
  // With what that log says, where it says anything, in our words.
  [[nodiscard]] virtual base::Error with_cause(base::Error error) const = 0;
};

// Where a restore with this `work_dir` says which tasks wait for memory, by CRIU's protocol.
std::filesystem::path lazy_socket(const std::filesystem::path& work_dir);

// Where a session has what an engine needs.
struct Place {
  std::filesystem::path work_dir;     // its log, and those of the engine; exists
  std::filesystem::path hook_socket;  // where `listener` listens
  std::filesystem::path pids_note;    // of a limit that is lifted meanwhile
  // reprise-worker, beside which the engine's helpers lie; or why nothing can begin.
  base::Result<std::filesystem::path> worker;
};
// runc with CRIU. `listener`, which outlives it, is null for who only settles a session of which
// nobody listens any more.
std::unique_ptr<Engine> runc_with_criu(Place place, sys::MessageListener* listener);

}  // namespace reprise::engine
