// SPDX-License-Identifier: Apache-2.0
#include "policy/ending.h"

#include <algorithm>

namespace reprise::policy {

namespace {

EndingDecision deliver(std::string reason) {
  return {.ending = Ending::kDeliver, .reason = std::move(reason)};
}

EndingDecision checkpoint(std::string reason) {
  return {.ending = Ending::kCheckpoint, .reason = std::move(reason)};
}

}  // namespace

EndingWish wish_of(const StatedWish& pod, const std::vector<EndingWish>& policies) {
  return {
      .on_disruption =
          pod.on_disruption.value_or(std::ranges::any_of(policies, &EndingWish::on_disruption)),
      .on_delete = pod.on_delete.value_or(std::ranges::any_of(policies, &EndingWish::on_delete))};
}

EndingDecision judge_ending(const EndingFacts& facts) {
  if (!facts.wish.on_disruption && !facts.wish.on_delete) return deliver("did not opt in");
  if (!facts.pod_known) return deliver("the pod is not known");
  if (facts.init_container) return deliver("an init container");
  // A probe that fails, or a container that is started again: the pod stays, and what is ill is not
  // to be kept.
  if (!facts.deleted) return deliver("the pod stays");
  // A pod goes on whole or not at all; what nobody makes anew is kept for people.
  if (facts.is_half && facts.replaced)
    return deliver("another container of the pod never ran, so that nobody would go on from it");
  // Of two ways to end at once the disruption counts: who drains deletes as well.
  if (facts.disruption_target && !facts.replaced && !facts.wish.on_delete)
    return deliver("nobody makes the pod anew");
  if (facts.disruption_target) return checkpoint("disrupted");
  if (facts.wish.on_delete) return checkpoint("deleted");
  return deliver("deleted, not disrupted");
}

}  // namespace reprise::policy
