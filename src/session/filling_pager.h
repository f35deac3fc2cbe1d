// SPDX-License-Identifier: Apache-2.0
//
// `reprise-worker page`: the process that gives a restored container its memory, with its keepers
// (pager/keeper.h).
#pragma once

#include <cstdint>

#include "host/layout.h"
#include "host/request.h"
#include "store/store_config.h"

namespace reprise::session {

struct PagerJob {
  host::Layout layout;
  store::StoreConfig store;
  host::WorkerRequest request;         // of the restore
  std::uint64_t bytes_per_second = 0;  // of what nobody waits for; 0: as fast as it goes
};

// Blocks until nothing is missing any more, or nobody is left who could miss it; after that the
// note is gone. Has the descriptors that filling.h names, no thread, and nothing else open. Where
// the memory cannot be had, ends the container. Returns the exit status.
int run_pager(const PagerJob& job);

}  // namespace reprise::session
