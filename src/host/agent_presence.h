// SPDX-License-Identifier: Apache-2.0
//
// Whether a node has an agent although none answers: one that is being upgraded, has crashed, or
// does not run yet after the node was started. What a pod's container is to go on from is unknown
// then, and unknown is not "nothing".
//
// Each agent leaves a mark in the store, which says how long pods are to wait for it; it goes when
// Reprise is taken off the node, and when all that time is over. Since when nobody answers is noted
// in the run directory, by those who ask.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "host/layout.h"

namespace reprise::host {

// What an agent says that does not, and where nobody can read the mark.
inline constexpr std::chrono::seconds kAgentAwayPatience{600};

// The mark, durably; none for a patience of 0. The store is there.
base::Result<void> expect_agent(const std::filesystem::path& store, std::chrono::seconds patience);
// Success if there is none.
base::Result<void> expect_no_agent(const std::filesystem::path& store);

// Whether there is a mark, or may be.
bool is_agent_expected(const std::filesystem::path& store);

enum class AgentAbsence : std::uint8_t {
  kNone,      // this node has no agent
  kExpected,  // it will be back
  kOver,      // it has been away for so long that nobody waits any more
};

// To be called by whoever had no answer, each time. Never fails: a mark that cannot be read counts
// as one.
AgentAbsence note_agent_away(const Layout& layout);
// To be called by whoever had one.
void note_agent_there(const Layout& layout);

// Since when nobody answers, in milliseconds of CLOCK_BOOTTIME.
struct AwayNote {
  std::string boot;
  std::int64_t since = 0;
  std::int64_t last = 0;  // when somebody asked last
  bool operator==(const AwayNote&) const = default;
};
// Pure: `before` brought up to date. An absence that nobody noticed for long is another one.
AwayNote away_now(const std::optional<AwayNote>& before, const std::string& boot, std::int64_t now,
                  std::chrono::seconds patience);

}  // namespace reprise::host
