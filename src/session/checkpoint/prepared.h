// SPDX-License-Identifier: Apache-2.0
//
// Second state of a checkpoint: all is done that can be done while the container runs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attributes/process_attributes.h"
#include "base/result.h"
#include "network/connection_hold.h"
#include "session/checkpoint/admitted.h"
#include "session/context.h"
#include "store/checkpoint_store.h"
#include "sys/file_lock.h"

namespace reprise::session {

struct Prepared {
  Admitted container;
  std::unique_ptr<store::CheckpointWriter> writer;
  std::vector<std::string> addresses;
  std::vector<std::string> watched;  // paths
  attributes::AskedAttributes asked;
  // If others live in the network namespace. To be held until the session has its outcome: what is
  // taken back of a dump may be another's who dumps at the same time.
  std::optional<sys::FileLock> network_lock;
  std::string runtime_version;
  std::string engine_version;
};
// Blocks while another container of the same network namespace is dumped.
base::Result<Prepared> prepare(const Context& context, Admitted container);

network::HoldRequest hold_request(const Context& context, const Prepared& prepared);

}  // namespace reprise::session
