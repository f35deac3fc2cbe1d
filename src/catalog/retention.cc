// SPDX-License-Identifier: Apache-2.0
#include "catalog/retention.h"

#include <algorithm>
#include <map>
#include <ranges>
#include <set>
#include <utility>

namespace reprise::catalog {

namespace {

constexpr base::UnixMillis kHour = 3'600'000;
constexpr base::UnixMillis kDay = 24 * kHour;

// Counts down over the checkpoints of one container, newest first.
class Quota {
 public:
  explicit Quota(const Retention& policy)
      : last_(policy.keep_last),
        hours_{.left = policy.keep_hourly, .period = kHour},
        days_{.left = policy.keep_daily, .period = kDay} {}

  bool takes(base::UnixMillis created) {
    // All three look at each: one that is kept as the last is that of its hour as well.
    const bool last = last_ > 0;
    if (last) --last_;
    const bool hour = hours_.takes(created);
    const bool day = days_.takes(created);
    return last || hour || day;
  }

 private:
  struct Periods {
    std::uint64_t left = 0;
    base::UnixMillis period = 0;
    std::optional<base::UnixMillis> seen;

    bool takes(base::UnixMillis created) {
      if (seen == created / period || left == 0) return false;
      seen = created / period;
      --left;
      return true;
    }
  };
  std::uint64_t last_;
  Periods hours_;
  Periods days_;
};

// What checkpoints take together: each pack once.
class Use {
 public:
  explicit Use(const StoreFacts& facts) : facts_(facts), needed_by_(facts.pack_bytes.size()) {}

  void add(const CheckpointFacts& checkpoint) {
    bytes_ += checkpoint.bytes;
    for (const std::uint32_t pack : checkpoint.packs)
      if (needed_by_[pack]++ == 0) bytes_ += facts_.pack_bytes[pack];
  }
  void remove(const CheckpointFacts& checkpoint) {
    bytes_ -= checkpoint.bytes;
    for (const std::uint32_t pack : checkpoint.packs)
      if (--needed_by_[pack] == 0) bytes_ -= facts_.pack_bytes[pack];
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  const StoreFacts& facts_;
  std::vector<std::uint32_t> needed_by_;
  std::uint64_t bytes_ = 0;
};

using Checkpoints = std::vector<const CheckpointFacts*>;

struct Split {
  Checkpoints kept;  // newest first, as superseded
  Checkpoints superseded;
};

Split by_quota(const StoreFacts& facts, const Retention& policy) {
  Split split;
  // What somebody asked for does not count against what stops leave, nor the other way round.
  std::map<std::pair<std::string, bool>, Quota> quotas;
  for (const CheckpointFacts& checkpoint : facts.checkpoints) {
    const bool covered = !checkpoint.kept && (checkpoint.of_a_stop || policy.requested);
    const bool keep =
        !covered || quotas.try_emplace({checkpoint.group, checkpoint.of_a_stop}, policy)
                        .first->second.takes(checkpoint.created);
    (keep ? split.kept : split.superseded).push_back(&checkpoint);
  }
  return split;
}

// Those of `kept` that may go for their size, in that order. What lies elsewhere is not lost by it,
// so with remotes the store is a cache; but a start takes up only what is here, which is `kept`.
Checkpoints candidates(const Checkpoints& kept) {
  std::set<std::string> seen;
  Checkpoints elsewhere;
  Checkpoints here;
  for (const CheckpointFacts* checkpoint : kept) {
    const bool newest = seen.insert(checkpoint->group).second;
    if (checkpoint->kept || (!checkpoint->elsewhere && newest)) continue;
    (checkpoint->elsewhere ? elsewhere : here).push_back(checkpoint);
  }
  std::ranges::reverse(elsewhere);
  std::ranges::reverse(here);
  elsewhere.insert(elsewhere.end(), here.begin(), here.end());
  return elsewhere;
}

// Which must go so that no more than `limit` remains in `use`, which is left as it is then.
Checkpoints too_large(Use& use, const Checkpoints& kept, std::uint64_t limit) {
  Checkpoints gone;
  for (const CheckpointFacts* checkpoint : candidates(kept)) {
    if (use.bytes() <= limit) break;
    use.remove(*checkpoint);
    gone.push_back(checkpoint);
  }
  if (use.bytes() > limit) return gone;
  // Some were in the way of nothing: what they need is needed by newer ones as well.
  Checkpoints needed;
  for (const CheckpointFacts* checkpoint : gone | std::views::reverse) {
    use.add(*checkpoint);
    if (use.bytes() <= limit) continue;
    use.remove(*checkpoint);
    needed.push_back(checkpoint);
  }
  std::ranges::reverse(needed);
  return needed;
}

}  // namespace

std::string_view to_string(Why why) { return why == Why::kSuperseded ? "superseded" : "too-large"; }

Decision decide(const StoreFacts& facts, const Retention& policy) {
  Decision decision;
  const Split split = by_quota(facts, policy);
  for (const CheckpointFacts* checkpoint : split.superseded | std::views::reverse)
    decision.removals.push_back({.id = checkpoint->id, .why = Why::kSuperseded});
  Use use(facts);
  for (const CheckpointFacts* checkpoint : split.kept) use.add(*checkpoint);
  if (policy.max_bytes)
    for (const CheckpointFacts* checkpoint : too_large(use, split.kept, *policy.max_bytes))
      decision.removals.push_back({.id = checkpoint->id, .why = Why::kTooLarge});
  decision.bytes = use.bytes();
  decision.fits = !policy.max_bytes || use.bytes() <= *policy.max_bytes;
  return decision;
}

}  // namespace reprise::catalog
