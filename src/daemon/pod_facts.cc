// SPDX-License-Identifier: Apache-2.0
#include "daemon/pod_facts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "json/lenient.h"
#include "json/reader.h"
#include "oci/annotations.h"

namespace reprise::daemon {

using json_reader::flag_in;
using json_reader::list_in;
using json_reader::object_in;
using json_reader::text_in;
using nlohmann::json;

namespace {

constexpr const char* kJobIndex = "batch.kubernetes.io/job-completion-index";

std::optional<Owner> controller_of(const json& metadata) {
  for (const json& one : list_in(metadata, "ownerReferences"))
    if (flag_in(one, "controller"))
      return Owner{.api_version = text_in(one, "apiVersion"),
                   .kind = text_in(one, "kind"),
                   .name = text_in(one, "name"),
                   .uid = text_in(one, "uid")};
  return std::nullopt;
}

// The labels are the controllers': "pod-template-hash" of a ReplicaSet, "controller-revision-hash"
// of StatefulSets and DaemonSets.
std::string template_hash_of(const json& labels) {
  const std::string of_replicas = text_in(labels, "pod-template-hash");
  return of_replicas.empty() ? text_in(labels, "controller-revision-hash") : of_replicas;
}

// Of others it is not known which of their pods are alike.
bool is_known(const Owner& owner) {
  const bool apps = owner.api_version == "apps/v1";
  return (apps && (owner.kind == "ReplicaSet" || owner.kind == "StatefulSet" ||
                   owner.kind == "DaemonSet")) ||
         (owner.api_version == "batch/v1" && owner.kind == "Job");
}

std::string slot_of(const Owner& owner, const json& pod) {
  if (owner.kind == "StatefulSet") return text_in(object_in(pod, "metadata"), "name");
  if (owner.kind == "DaemonSet") return text_in(object_in(pod, "spec"), "nodeName");
  if (owner.kind == "Job")
    return text_in(object_in(object_in(pod, "metadata"), "annotations"), kJobIndex);
  return "";
}

std::optional<Lineage> lineage_of(const json& pod) {
  const json& metadata = object_in(pod, "metadata");
  auto owner = controller_of(metadata);
  if (!owner || owner->uid.empty() || !is_known(*owner)) return std::nullopt;
  std::string slot = slot_of(*owner, pod);
  return Lineage{.owner = *std::move(owner),
                 .template_hash = template_hash_of(object_in(metadata, "labels")),
                 .slot = std::move(slot)};
}

// What is no value of it the runtime refuses.
std::optional<bool> stated_in(const json& annotations, const char* name) {
  const std::string value = text_in(annotations, name);
  return value.empty() ? std::nullopt : std::optional(value == "checkpoint");
}

// The names of those that run; whether one of them does, or did.
bool add_running(const json& status, const char* field, std::vector<std::string>& names) {
  bool has_run = false;
  for (const json& one : list_in(status, field)) {
    const json& state = object_in(one, "state");
    if (state.contains("running")) names.push_back(text_in(one, "name"));
    has_run = has_run || state.contains("running") || state.contains("terminated") ||
              !object_in(one, "lastState").empty();
  }
  return has_run;
}

// Whether it runs in this pod, or has run: then it begins anew whenever it is started again. Of one
// that could not be started at all the kubelet says so as if it had ended.
bool runs_or_ran(const json& status) {
  const auto ran = [](const json& state) {
    return state.contains("terminated") &&
           text_in(object_in(state, "terminated"), "reason") != "StartError";
  };
  const json& state = object_in(status, "state");
  return state.contains("running") || ran(state) || ran(object_in(status, "lastState"));
}

void add_own(PodFacts& facts, const json& containers, const json& statuses) {
  for (const json& one : containers) {
    const std::string name = text_in(one, "name");
    if (std::ranges::find(facts.init_containers, name) != facts.init_containers.end()) continue;
    facts.own.push_back(name);
    const auto status = std::ranges::find_if(
        statuses, [&](const json& each) { return text_in(each, "name") == name; });
    if (status == statuses.end() || !runs_or_ran(*status)) facts.missing.push_back(name);
  }
}

// "containerd://ID".
void add_id(const json& status, std::map<std::string, std::string>& ids) {
  const std::string text = text_in(status, "containerID");
  const auto at = text.find("://");
  if (at != std::string::npos) ids[text_in(status, "name")] = text.substr(at + 3);
}

void add_with_pre_stop(const json& containers, std::vector<std::string>& names) {
  for (const json& one : containers)
    if (object_in(one, "lifecycle").contains("preStop")) names.push_back(text_in(one, "name"));
}

}  // namespace

std::optional<PodFacts> pod_facts(const json& pod) {
  const json& metadata = object_in(pod, "metadata");
  const json& status = object_in(pod, "status");
  PodFacts facts;
  facts.name_space = text_in(metadata, "namespace");
  facts.name = text_in(metadata, "name");
  facts.uid = text_in(metadata, "uid");
  if (facts.uid.empty()) return std::nullopt;
  facts.node = text_in(object_in(pod, "spec"), "nodeName");
  facts.runtime_class = text_in(object_in(pod, "spec"), "runtimeClassName");
  facts.lineage = lineage_of(pod);
  facts.deleted = metadata.contains("deletionTimestamp");
  for (const json& condition : list_in(status, "conditions"))
    if (text_in(condition, "type") == "DisruptionTarget" &&
        text_in(condition, "status") == "True") {
      facts.disruption_target = true;
      facts.disruption = text_in(condition, "reason");
    }
  const std::string phase = text_in(status, "phase");
  facts.ended = phase == "Succeeded" || phase == "Failed";
  const json& annotations = object_in(metadata, "annotations");
  facts.stated = {.on_disruption = stated_in(annotations, oci::annotation::kOnDisruption),
                  .on_delete = stated_in(annotations, oci::annotation::kOnDelete)};
  facts.wish = policy::wish_of(facts.stated, {});
  facts.labels = json_reader::named_texts_of(object_in(metadata, "labels"));
  facts.priority_class = text_in(object_in(pod, "spec"), "priorityClassName");
  facts.is_tried_once = text_in(object_in(pod, "spec"), "restartPolicy") == "Never";
  const std::string on_failure = text_in(annotations, oci::annotation::kOnRestoreFailure);
  facts.fails_rather = on_failure == "fail";
  facts.begins_rather = on_failure == "cold";
  for (const json& one : list_in(object_in(pod, "spec"), "initContainers"))
    if (text_in(one, "restartPolicy") != "Always")
      facts.init_containers.push_back(text_in(one, "name"));
  add_with_pre_stop(list_in(object_in(pod, "spec"), "containers"), facts.with_pre_stop);
  add_with_pre_stop(list_in(object_in(pod, "spec"), "initContainers"), facts.with_pre_stop);
  facts.has_run = add_running(status, "containerStatuses", facts.running);
  for (const json& one : list_in(status, "containerStatuses")) add_id(one, facts.container_ids);
  for (const json& one : list_in(status, "initContainerStatuses")) add_id(one, facts.container_ids);
  const bool has_begun = add_running(status, "initContainerStatuses", facts.running);
  facts.has_run = facts.has_run || has_begun;
  // A pod that still prepares itself has begun nothing that others would go on with.
  std::erase_if(facts.running, [&facts](const std::string& name) {
    return std::ranges::find(facts.init_containers, name) != facts.init_containers.end();
  });
  add_own(facts, list_in(object_in(pod, "spec"), "containers"),
          list_in(status, "containerStatuses"));
  add_own(facts, list_in(object_in(pod, "spec"), "initContainers"),
          list_in(status, "initContainerStatuses"));
  return facts;
}

bool ignores_disruption(const json& job) {
  const json& policy = object_in(object_in(job, "spec"), "podFailurePolicy");
  for (const json& rule : list_in(policy, "rules")) {
    if (text_in(rule, "action") != "Ignore") continue;
    for (const json& condition : list_in(rule, "onPodConditions"))
      if (text_in(condition, "type") == "DisruptionTarget") return true;
  }
  return false;
}

policy::EndingFacts PodFacts::ending_of(const std::string& container) const {
  return {.wish = wish,
          .pod_known = true,
          .deleted = deleted,
          .disruption_target = disruption_target,
          .replaced = lineage.has_value(),
          .init_container = std::ranges::find(init_containers, container) != init_containers.end()};
}

std::vector<std::string> PodFacts::to_checkpoint() const {
  std::vector<std::string> names;
  for (const std::string& one : running)
    if (policy::judge_ending(ending_of(one)).ending == policy::Ending::kCheckpoint)
      names.push_back(one);
  if (!names.empty()) names.insert(names.end(), missing.begin(), missing.end());
  return names;
}

}  // namespace reprise::daemon
