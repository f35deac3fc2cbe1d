// SPDX-License-Identifier: Apache-2.0
//
// Dumps a running container through runc and CRIU.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "container/cgroup.h"
#include "image/page_sink.h"
#include "oci/runtime.h"
#include "sys/message_socket.h"

namespace reprise::engine {

enum class AfterDump : std::uint8_t { kEnd, kRunOn };

// Called in each attempt when all tasks stand still and CRIU has not looked at their descriptors,
// except in the host's network. A failure ends the dump, and the tasks run on.
using WhenFrozen = std::function<base::Result<void>()>;

struct DumpRequest {
  oci::Runtime runtime;
  base::ContainerId container;
  container::Cgroup cgroup;           // of the container; thawed if CRIU hangs
  pid_t init = 0;                     // its first process
  std::vector<std::string> watched;   // paths that it watches by inotify
  std::vector<std::string> outside;   // mounts that a restore gets from elsewhere
  std::filesystem::path work_dir;     // gets dump.log, runc.log, stats-dump; exists
  std::filesystem::path worker;       // reprise-worker, beside which the hook lies
  std::filesystem::path hook_socket;  // where `listener` listens
  AfterDump after = AfterDump::kRunOn;
  WhenFrozen when_frozen;              // may be empty
  std::chrono::milliseconds limit{0};  // of the whole dump, for a CRIU that hangs
};

// Called once while all tasks stand still and CRIU has written everything to the sink's spool. If
// it fails, CRIU lets the tasks run on, whatever `after` says.
using PostDump = std::function<base::Result<void>()>;

// Runs `runc checkpoint`. Blocks until runc has ended. Where a program has not read yet
// what CRIU cannot save, the tasks run on and are dumped anew, up to three times if time is left.
// Then events of inotify are lost, and the log says so; messages of netlink sockets are an error.
// Anew, too, where a program is starting another just then (spawning.h): up to 10 s, then
// kBusy.
// After success the tasks have ended (kEnd) or run on. After a failure they run on, unless the
// container itself is gone; the error is that of `post_dump`, or carries the line of CRIU's log
// that matters and a hint. kBusy when `limit` ran out: the cgroup was thawed and CRIU ended.
base::Result<void> dump(const DumpRequest& request, image::PageSink& sink,
                        sys::MessageListener& listener, const PostDump& post_dump);

// What CRIU says about a dump that succeeded.
struct DumpStats {
  std::chrono::milliseconds frozen{0};
  std::uint64_t memory_bytes = 0;
};
base::Result<DumpStats> load_dump_stats(const std::filesystem::path& work_dir);

// Adds to `error` what CRIU's log `file` (dump.log or restore.log) says, where it says anything.
base::Error with_criu_cause(base::Error error, const std::filesystem::path& file);

// Whether CRIU's log of a restore that failed ends without saying so: it was killed. Not so where
// there is no log, or it cannot be read.
bool was_cut_off(const std::filesystem::path& restore_log);

}  // namespace reprise::engine
