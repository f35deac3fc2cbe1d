// SPDX-License-Identifier: Apache-2.0
//
// A container's history and what it saved.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"

namespace reprise::operations {

// Of all containers that ever had this name, in order of time: one that was made again has a key of
// its own. With the checkpoints that came to nothing, which have no id. kNotFound for a container
// that nobody knows.
base::Result<std::vector<catalog::LifeRow>> history_of(catalog::Catalog& catalog,
                                                       const std::string& name);

// CPU time in microseconds that was not lost, over a history in order of time. The CPU time of an
// event counts all lives since the last cold start, so within such a stretch the largest restore
// says it all.
std::int64_t cpu_time_kept(const std::vector<catalog::LifeRow>& history);

// "started", …; "checkpoint-failed" for a checkpoint that names none: a session that came to
// nothing.
std::string event_name(const catalog::LifeRow& row);

}  // namespace reprise::operations
