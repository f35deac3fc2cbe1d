// SPDX-License-Identifier: Apache-2.0
#include "daemon/pod_events.h"

#include <utility>

#include "base/log.h"
#include "json/lenient.h"
#include "json/reader.h"

namespace reprise::daemon {

using json_reader::object_in;
using json_reader::text_in;
using kube::EventType;

namespace {

// A question may be about the pod as a whole.
std::string who(const oci::PodContainer& container) {
  return container.container.empty() ? "the pod" : "container '" + container.container + "'";
}

}  // namespace

PodEvents::PodEvents(kube::Client& client, const std::string& node)
    : events_(kube::Events::start(client, {.instance = node}, [](const base::Error& why) {
        base::log(base::LogLevel::kWarn, "an Event is not told", {{"error", why.message()}});
      })) {}

void PodEvents::post(const oci::PodContainer& of, EventType type, const char* reason,
                     const char* action, std::string note) {
  events_->post({.about = {.api_version = "v1",
                           .kind = "Pod",
                           .namespace_ = of.name_space,
                           .name = of.pod,
                           .uid = of.uid},
                 .type = type,
                 .reason = reason,
                 .action = action,
                 .note = std::move(note)});
}

void PodEvents::settled(const CheckpointObject& checkpoint) {
  const oci::PodContainer pod = checkpoint.source("");
  if (checkpoint.phase == Phase::kClaimable)
    post(pod, EventType::kNormal, "Checkpointed", "Checkpointing",
         text_in(object_in(checkpoint.object, "status"), "size") +
             " saved, for the pod that takes its place (Checkpoint '" + checkpoint.name + "')");
  if (checkpoint.phase == Phase::kWithdrawn)
    post(pod, EventType::kWarning, "NotSaved", "Checkpointing", checkpoint.message);
}

void PodEvents::ends_for_good(const oci::PodContainer& pod, Saved is_saved) {
  if (is_saved == Saved::kYes)
    return post(pod, EventType::kNormal, "Checkpointing", "Checkpointing",
                "it is saved in the store of its node; no controller makes it anew, so nobody goes "
                "on from it by itself");
  post(pod, EventType::kWarning, "NotSaved", "Checkpointing",
       "it gets its signal: no controller makes it anew, so nobody would go on from it "
       "(reprise.dev/on-delete: checkpoint keeps it all the same)");
}

void PodEvents::unanswered(const oci::PodContainer& container) {
  post(
      container, EventType::kWarning, "NotSaved", "Checkpointing",
      who(container) + " was told to end while the node's agent did not answer: it got its signal");
}

void PodEvents::counts_as_failure(const oci::PodContainer& pod, const std::string& job) {
  post(pod, EventType::kWarning, "CountsAsFailure", "Checkpointing",
       "Job '" + job +
           "' counts the pod as failed when it is saved and goes on elsewhere, unless " +
           "its podFailurePolicy ignores condition DisruptionTarget");
}

void PodEvents::pre_stop_runs(const oci::PodContainer& container) {
  post(container, EventType::kNormal, "PreStopRuns", "Checkpointing",
       "preStop of " + who(container) +
           " runs before it is saved: let it do nothing that the program does not survive");
}

void PodEvents::goes_on(const oci::PodContainer& container, const CheckpointObject& checkpoint) {
  post(container, EventType::kNormal, "GoesOn", "Restoring",
       who(container) + " goes on from what pod '" + checkpoint.pod + "' left on node '" +
           checkpoint.node + "' (Checkpoint '" + checkpoint.name + "')");
}

void PodEvents::began_anew(const oci::PodContainer& container, const std::string& why) {
  post(container, EventType::kWarning, "BeginsAnew", "Restoring",
       who(container) + " begins anew: " + why);
}

void PodEvents::waits(const oci::PodContainer& container, const std::string& why) {
  post(container, EventType::kNormal, "Waits", "Restoring", who(container) + " waits: " + why);
}

}  // namespace reprise::daemon
