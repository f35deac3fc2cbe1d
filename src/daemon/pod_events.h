// SPDX-License-Identifier: Apache-2.0
//
// What people read of us in `kubectl describe pod`.
#pragma once

#include <memory>
#include <string>

#include "daemon/checkpoint_object.h"
#include "kube/events.h"
#include "oci/cri.h"

namespace reprise::daemon {

// For any number of threads; nothing waits.
class PodEvents {
 public:
  // `client` outlives it.
  PodEvents(kube::Client& client, const std::string& node);

  // Of the pod that ended: Checkpointed, or NotSaved and why.
  void settled(const CheckpointObject& checkpoint);
  // Of one that ends and has no Checkpoint: nobody makes it anew. `is_saved`: it is kept all the
  // same.
  enum class Saved : bool { kNo, kYes };
  void ends_for_good(const oci::PodContainer& pod, Saved is_saved);
  // The agent was away when the container was told to end.
  void unanswered(const oci::PodContainer& container);
  // Of one whose Job takes it for failed when it is saved.
  void counts_as_failure(const oci::PodContainer& pod, const std::string& job);
  // Of one that is made, and is to be saved at its end.
  void pre_stop_runs(const oci::PodContainer& container);
  // Of the one that takes its place.
  void goes_on(const oci::PodContainer& container, const CheckpointObject& checkpoint);
  void began_anew(const oci::PodContainer& container, const std::string& why);
  void waits(const oci::PodContainer& container, const std::string& why);

 private:
  void post(const oci::PodContainer& of, kube::EventType type, const char* reason,
            const char* action, std::string note);

  std::unique_ptr<kube::Events> events_;
};

}  // namespace reprise::daemon
