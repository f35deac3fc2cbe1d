// SPDX-License-Identifier: Apache-2.0
//
// Whether a pod's container that is told to stop is to go on elsewhere. Facts in, a decision and
// its reason out; docs/kubernetes.md has the same as a table, which a test compares.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace reprise::policy {

// What the user wants, by annotations or a policy of the cluster.
struct EndingWish {
  bool on_disruption = false;
  bool on_delete = false;
};

// What a pod itself says in its annotations; nullopt: nothing.
struct StatedWish {
  std::optional<bool> on_disruption;
  std::optional<bool> on_delete;
};
// For each ending what the pod says; where it says nothing, what any of the policies that select it
// wants.
EndingWish wish_of(const StatedWish& pod, const std::vector<EndingWish>& policies);

// What is known of the pod, from its object in the API, at the moment of the signal.
struct EndingFacts {
  EndingWish wish;
  bool pod_known = false;          // else all below says nothing
  bool deleted = false;            // has a deletionTimestamp, whatever the time
  bool disruption_target = false;  // condition DisruptionTarget is True
  bool replaced = false;           // a controller makes another pod in its place
  bool init_container = false;     // not a sidecar: one that ends before the pod's containers begin
  bool is_half = false;            // another container of the pod should run, and never did
};

enum class Ending : std::uint8_t { kDeliver, kCheckpoint };

struct EndingDecision {
  Ending ending = Ending::kDeliver;
  // One of a few fixed texts: for events, logs and the table.
  std::string reason;
  bool operator==(const EndingDecision&) const = default;
};

// A signal is delivered unless all that makes it a checkpoint is known: who is not known is treated
// as if we were not there.
EndingDecision judge_ending(const EndingFacts& facts);

}  // namespace reprise::policy
