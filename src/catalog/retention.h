// SPDX-License-Identifier: Apache-2.0
//
// Which checkpoints need not be kept: a decision over facts, which changes nothing. prune.h acts on
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

namespace reprise::catalog {

// What to keep. Checkpoints that are pinned, tagged or continued from are outside of all of it:
// they are always kept, and not counted.
struct Retention {
  // Of each container: the newest ones, and besides the newest of each hour and of each day (UTC),
  // of so many hours and days that have any.
  std::uint64_t keep_last = 1;
  std::uint64_t keep_hourly = 0;
  std::uint64_t keep_daily = 0;
  // Whether that is also for checkpoints that somebody asked for or imported, which are counted on
  // their own; else for those of stops only.
  bool requested = false;
  // What the store may take, bytes. Above it checkpoints go, whoever made them: first those that
  // lie elsewhere as well, then the others, but of these never the newest one of a container; the
  // oldest first.
  std::optional<std::uint64_t> max_bytes;
};

struct CheckpointFacts {
  base::CheckpointId id;
  std::string group;  // those of one group are counted together: a container, or several
  base::UnixMillis created = 0;
  bool of_a_stop = false;
  bool kept = false;                 // pinned, tagged, or some container continues from it
  bool elsewhere = false;            // a remote has a whole copy
  std::uint64_t bytes = 0;           // of its own file
  std::vector<std::uint32_t> packs;  // indices into StoreFacts::pack_bytes
};

// `packs`, `bytes` and `pack_bytes` may be left out where no maximum is asked for.
struct StoreFacts {
  std::vector<CheckpointFacts> checkpoints;  // newest first
  std::vector<std::uint64_t> pack_bytes;
};

enum class Why : std::uint8_t { kSuperseded, kTooLarge };
std::string_view to_string(Why why);  // "superseded", "too-large"

struct Removal {
  base::CheckpointId id;
  Why why = Why::kSuperseded;
  bool operator==(const Removal&) const = default;
};

struct Decision {
  std::vector<Removal> removals;  // in the order in which they are to be made
  std::uint64_t bytes = 0;        // what remains, with whole packs; 0 without facts about packs
  bool fits = true;               // false: more than the maximum must be kept
};

// Packs count as a whole as long as one checkpoint needs them, as gc leaves them. A checkpoint is
// not removed for its size if nothing would become free by it.
Decision decide(const StoreFacts& facts, const Retention& policy);

}  // namespace reprise::catalog
