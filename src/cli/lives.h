// SPDX-License-Identifier: Apache-2.0
//
// A container's history and what it saved.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace reprise::cli {

// CPU time in microseconds that was not lost, over a history in order of time. The CPU time of an
// event counts all lives since the last cold start, so within such a stretch the largest restore
// says it all.
std::int64_t cpu_time_kept(const std::vector<catalog::LifeRow>& history);

// "started", …; "checkpoint-failed" for a checkpoint that names none: a session that came to
// nothing, which a history as it is listed tells as well.
std::string event_name(const catalog::LifeRow& row);

void print_lives(std::ostream& out, const std::vector<catalog::LifeRow>& history);
void print_lives_json(std::ostream& out, const std::vector<catalog::LifeRow>& history);

}  // namespace reprise::cli
