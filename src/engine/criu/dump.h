// SPDX-License-Identifier: Apache-2.0
//
// Dumps a running container through runc and CRIU.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "engine/engine.h"
#include "image/page_sink.h"
#include "sys/message_socket.h"

namespace reprise::engine {

struct DumpJob : DumpRequest {
  std::filesystem::path work_dir;     // gets dump.log, runc.log, stats-dump; exists
  std::filesystem::path hook_socket;  // where the listener listens
  std::filesystem::path worker;       // reprise-worker, beside which the hook lies
};

// Runs `runc checkpoint`; all else is said at Dump::freeze_and_write().
base::Result<void> dump(const DumpJob& request, image::PageSink& sink,
                        sys::MessageListener& listener, DumpSteps& steps);

// What CRIU says about a dump that succeeded.
base::Result<DumpStats> load_dump_stats(const std::filesystem::path& work_dir);

}  // namespace reprise::engine
