// SPDX-License-Identifier: Apache-2.0
//
// Stopping a container and saying whether it left a checkpoint.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "operations/node.h"
#include "operations/progress.h"

namespace reprise::operations {

struct Stopped {
  enum class How : std::uint8_t {
    kDidNotRun,
    kCheckpointed,
    kWithoutCheckpoint,  // `why`, with a hint
    kNotOptedIn,         // without, which nobody wanted to be otherwise
    kUnknown,            // the catalog, which would tell, is lost; why was a warning
  } how = How::kDidNotRun;
  std::string name;
  bool opted_in = false;              // a checkpoint was wanted
  catalog::CheckpointRow checkpoint;  // kCheckpointed
  std::int64_t total_ms = 0;          // kCheckpointed
  std::optional<base::Error> why;     // kWithoutCheckpoint
};

// `podman stop` of one of our containers, by name or id, and what became of its session. Podman
// kills it once `limit` is over; a checkpoint must be done by then. A container that will have no
// checkpoint gets the time that its owner meant for an ordinary stop. Needs no catalog to stop.
// kNotFound, kInvalidInput for one that is not ours, else Podman's errors.
base::Result<Stopped> stop(const Node& node, const std::string& container,
                           std::chrono::seconds limit, Progress& progress);

}  // namespace reprise::operations
