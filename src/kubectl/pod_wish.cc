// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_wish.h"

#include <algorithm>

#include "daemon/checkpoint_policy.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "oci/annotations.h"

namespace reprise::kubectl {

using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;

namespace {

bool states(const std::optional<bool>& wish) { return wish.value_or(false); }

// When the policy was written last; that may have been anything in it.
std::string changed_at(const json& policy) {
  const json& metadata = child_of(policy, "metadata");
  std::string last = text_in(metadata, "creationTimestamp");
  const json& generation = child_of(metadata, "generation");
  if (!generation.is_number_integer() || generation.get<std::int64_t>() < 2) return last;
  for (const json& one : child_of(metadata, "managedFields"))
    last = std::max(last, text_in(one, "time"));
  return last;
}

// Of a pod that asks for nothing itself: whether its containers were made when no policy that
// wants something of it was there, so that nobody asks at its end.
void say_late(Remarks& say, const daemon::PodFacts& facts, const std::string& made,
              const std::vector<json>& policies) {
  const char* remedy = "make it anew: what a policy wants is written down when containers are made";
  std::string late, doubtful;
  for (const json& one : policies) {
    const auto policy = daemon::read_policy(one);
    if (!policy || !daemon::selects(*policy, facts)) continue;
    const bool on_disruption = policy->wish.on_disruption && !facts.stated.on_disruption;
    const bool on_delete = policy->wish.on_delete && !facts.stated.on_delete;
    if (!on_disruption && !on_delete) continue;
    if (text_in(child_of(one, "metadata"), "creationTimestamp") > made)
      late = policy->name;
    else if (changed_at(one) > made)
      doubtful = policy->name;
    else
      return;
  }
  if (!doubtful.empty())
    say.unknown("policy '" + doubtful +
                    "' was changed since the pod was made: whether it wanted this by then is not "
                    "known",
                remedy, "the policy of that time");
  else if (!late.empty())
    say.prevents("it was made before policy '" + late + "', which counts for later pods only",
                 remedy);
}

// When who wrote the annotation wrote last; empty: not known.
std::string set_at(const json& pod, const std::string& annotation) {
  std::string last;
  for (const json& one : child_of(child_of(pod, "metadata"), "managedFields")) {
    const json& fields = child_of(child_of(one, "fieldsV1"), "f:metadata");
    if (child_of(child_of(fields, "f:annotations"), ("f:" + annotation).c_str()).is_object())
      last = std::max(last, text_in(one, "time"));
  }
  return last;
}

// As people know it: a ReplicaSet is a Deployment's.
std::string name_of(const daemon::Owner& owner, const json& controller) {
  if (owner.kind == "ReplicaSet")
    for (const json& one : child_of(child_of(controller, "metadata"), "ownerReferences"))
      if (text_in(one, "kind") == "Deployment") return "Deployment '" + text_in(one, "name") + "'";
  return owner.kind + " '" + owner.name + "'";
}

bool asks(const json& pod_template) {
  const json& theirs = child_of(child_of(pod_template, "metadata"), "annotations");
  return text_in(theirs, oci::annotation::kOnDisruption) == "checkpoint" ||
         text_in(theirs, oci::annotation::kOnDelete) == "checkpoint";
}

std::vector<daemon::CheckpointPolicy> read_all(const std::vector<json>& policies) {
  std::vector<daemon::CheckpointPolicy> read;
  for (const json& one : policies)
    if (const auto policy = daemon::read_policy(one)) read.push_back(*policy);
  return read;
}

// Of a pod that says nothing itself.
bool do_policies_ask(daemon::PodFacts facts, const std::optional<std::vector<json>>& policies) {
  if (!policies) return false;
  facts.stated = {};
  const policy::EndingWish wish = daemon::verdict_on(facts, read_all(*policies)).wish;
  return wish.on_disruption || wish.on_delete;
}

// Whoever annotates wrote last after the containers were made: maybe something else.
void say_alone_by_hand(Remarks& say, const daemon::PodFacts& facts, const json& pod) {
  if (!states(facts.stated.on_delete)) return;  // else nothing is saved of it anyway
  const std::string made = made_at(pod);
  if (!made.empty() && set_at(pod, oci::annotation::kOnDelete) > made)
    say.unknown("annotation '" + std::string(oci::annotation::kOnDelete) +
                    "' may be younger than its containers, which do not heed it then",
                "make the pod anew with it", "when it was annotated");
}

}  // namespace

std::string made_at(const json& pod) {
  std::string first;
  for (const char* field : {"containerStatuses", "initContainerStatuses"})
    for (const json& one : child_of(child_of(pod, "status"), field)) {
      const std::string at = text_in(child_of(child_of(one, "state"), "running"), "startedAt");
      if (!at.empty() && (first.empty() || at < first)) first = at;
    }
  return first;
}

void say_policies(Remarks& say, daemon::PodFacts& facts, const json& pod,
                  const std::optional<std::vector<json>>& policies) {
  if (!policies) {
    if (!states(facts.stated.on_delete) && !(facts.stated.on_disruption && facts.stated.on_delete))
      say.mind("whether a policy of the cluster selects it is not known: nobody lets us look",
               "ask for the right to list checkpointpolicies.reprise.dev");
    return;
  }
  const daemon::PolicyVerdict verdict = daemon::verdict_on(facts, read_all(*policies));
  const bool asks_itself = states(facts.stated.on_disruption) || states(facts.stated.on_delete);
  facts.wish = verdict.wish;
  for (const std::string& name : verdict.names) say.fine("policy '" + name + "' selects it");
  const std::string made = made_at(pod);
  if (!asks_itself && !made.empty() && (facts.wish.on_disruption || facts.wish.on_delete))
    say_late(say, facts, made, *policies);
}

bool say_by_hand(Remarks& say, const daemon::PodFacts& facts, const json& pod,
                 const std::optional<json>& controller,
                 const std::optional<std::vector<json>>& policies) {
  const bool on_disruption = states(facts.stated.on_disruption);
  if (!(on_disruption || states(facts.stated.on_delete))) return false;
  if (!facts.lineage) say_alone_by_hand(say, facts, pod);
  if (!facts.lineage || !controller) return false;
  const json& pod_template = child_of(child_of(*controller, "spec"), "template");
  if (!pod_template.is_object() || asks(pod_template) || do_policies_ask(facts, policies))
    return false;
  const std::string name =
      on_disruption ? oci::annotation::kOnDisruption : oci::annotation::kOnDelete;
  const std::string who = name_of(facts.lineage->owner, *controller);
  std::string what = "annotation '" + name + "' is the pod's own, and not in the template of " +
                     who + ": the next pod does not have it, and does not go on";
  const std::string remedy = "annotate the template of " + who + ", which makes its pods anew";
  const std::string made = made_at(pod);
  const std::string at = set_at(pod, name);
  if (!made.empty() && (at.empty() || at > made))
    say.unknown(what + "; containers that were made before it do not heed it", remedy,
                "when it was annotated");
  else
    say.mind(what, remedy);
  return true;
}

}  // namespace reprise::kubectl
