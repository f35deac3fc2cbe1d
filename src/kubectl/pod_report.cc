// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_report.h"

#include <algorithm>
#include <utility>

#include "daemon/pod_facts.h"
#include "json/reader.h"

namespace reprise::kubectl {

using json_reader::text_in;
using nlohmann::json;
using Weight = Remark::Weight;

namespace {

// An object or list that is not there is as good as an empty one.
const json& part_of(const json& object, const char* name) {
  static const json kNone;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() ? *found : kNone;
}

class Writer {
 public:
  explicit Writer(PodReport& report) : report_(report) {}
  void fine(std::string text) { put(Weight::kFine, std::move(text), ""); }
  void mind(std::string text, std::string remedy) {
    put(Weight::kMind, std::move(text), std::move(remedy));
  }
  void prevents(std::string text, std::string remedy) {
    put(Weight::kPrevents, std::move(text), std::move(remedy));
  }

 private:
  void put(Weight weight, std::string text, std::string remedy) {
    report_.remarks.push_back(
        {.weight = weight, .text = std::move(text), .remedy = std::move(remedy)});
  }
  PodReport& report_;
};

bool is_ready(const json& pod) {
  for (const json& condition : part_of(part_of(pod, "status"), "conditions"))
    if (text_in(condition, "type") == "Ready") return text_in(condition, "status") == "True";
  return false;
}

void say_agent(Writer& say, const std::string& node, const Surroundings& around) {
  if (!around.agents)
    return say.mind(
        "whether the agent of node '" + node + "' is ready is not known: nobody lets us look",
        "ask for the right to list pods in namespace 'reprise-system'");
  const auto agent = std::ranges::find_if(*around.agents, [&](const json& one) {
    return text_in(part_of(one, "spec"), "nodeName") == node;
  });
  if (agent == around.agents->end())
    return say.prevents("no agent is on node '" + node + "'", "install Reprise there");
  if (!is_ready(*agent))
    return say.prevents(
        "the agent of node '" + node + "' is not ready",
        "kubectl -n reprise-system describe pod " + text_in(part_of(*agent, "metadata"), "name"));
  say.fine("the agent of node '" + node + "' is ready");
}

bool ignores_disruption(const json& job) {
  for (const json& rule : part_of(part_of(part_of(job, "spec"), "podFailurePolicy"), "rules")) {
    if (text_in(rule, "action") != "Ignore") continue;
    for (const json& condition : part_of(rule, "onPodConditions"))
      if (text_in(condition, "type") == "DisruptionTarget") return true;
  }
  return false;
}

void say_owner(Writer& say, const daemon::PodFacts& facts, const Surroundings& around) {
  if (!facts.lineage)
    return say.mind(
        "nobody makes this pod anew in a way that we know: what is saved waits for nobody",
        "let a StatefulSet, Deployment or Job make it");
  const daemon::Owner& owner = facts.lineage->owner;
  say.fine("it goes on in the next pod of " + owner.kind + " '" + owner.name + "'" +
           (facts.lineage->slot.empty() ? "" : " in place '" + facts.lineage->slot + "'"));
  if (owner.kind == "Job" && around.controller && !ignores_disruption(*around.controller))
    say.mind("the Job counts the saved pod as a failure",
             "ignore condition DisruptionTarget in its podFailurePolicy");
}

void say_containers(Writer& say, const json& spec) {
  for (const json& container : part_of(spec, "containers")) {
    const json& hooks = part_of(container, "lifecycle");
    const std::string name = "container '" + text_in(container, "name") + "'";
    if (part_of(hooks, "preStop").is_object())
      say.mind("preStop of " + name + " runs before it is saved",
               "do nothing in it that the program does not survive");
    if (part_of(hooks, "postStart").is_object())
      say.mind("postStart of " + name + " runs again in the replacement", "let it bear that");
  }
  for (const json& container : part_of(spec, "initContainers"))
    if (text_in(container, "restartPolicy") != "Always")
      say.mind("init container '" + text_in(container, "name") + "' runs again in the replacement",
               "let it change nothing that is there already");
  if (part_of(spec, "containers").size() > 1)
    say.mind("its containers are saved each at a moment of its own", "");
}

void say_past(Writer& say, const std::string& uid, const Surroundings& around) {
  if (!around.checkpoints) return;
  for (const json& one : *around.checkpoints) {
    const json& status = part_of(one, "status");
    const std::string name = "Checkpoint '" + text_in(part_of(one, "metadata"), "name") + "'";
    const std::string source = text_in(part_of(one, "spec"), "pod");
    if (text_in(part_of(status, "claimedBy"), "podUID") == uid) {
      const std::string phase = text_in(status, "phase");
      say.fine(phase == "Consumed" ? "it went on from " + name + " of pod '" + source + "'"
                                   : "it has claimed " + name + " of pod '" + source +
                                         "': " + phase + " " + text_in(status, "message"));
    }
    if (text_in(part_of(one, "spec"), "podUID") == uid)
      say.fine("it is saved as " + name + ": " + text_in(status, "phase") + " " +
               text_in(status, "message"));
  }
}

}  // namespace

PodReport report_on(const json& pod, const Surroundings& around) {
  PodReport report;
  Writer say(report);
  const json& spec = part_of(pod, "spec");
  const auto facts = daemon::pod_facts(pod);
  if (!facts) {
    say.prevents("this is no pod", "");
    return report;
  }
  if (text_in(spec, "runtimeClassName") == "reprise")
    say.fine("it runs under Reprise");
  else
    say.prevents("it does not run under Reprise", "set spec.runtimeClassName: reprise");
  if (!facts->wish.on_disruption && !facts->wish.on_delete)
    say.prevents("no annotation asks for a checkpoint",
                 "set reprise.dev/on-disruption: checkpoint in the pod's metadata");
  if (facts->node.empty())
    say.prevents("it is on no node yet", "");
  else
    say_agent(say, facts->node, around);
  say_owner(say, *facts, around);
  say_containers(say, spec);
  say_past(say, facts->uid, around);
  const bool prevented = std::ranges::any_of(
      report.remarks, [](const Remark& one) { return one.weight == Weight::kPrevents; });
  report.saved_on_disruption =
      !prevented && (facts->wish.on_delete || (facts->wish.on_disruption && facts->lineage));
  report.saved_on_delete = !prevented && facts->wish.on_delete;
  return report;
}

std::vector<json> history_of(const std::string& pod, const std::vector<json>& checkpoints) {
  std::vector<json> found;
  std::ranges::copy_if(checkpoints, std::back_inserter(found), [&](const json& one) {
    return text_in(part_of(one, "spec"), "pod") == pod ||
           text_in(part_of(part_of(one, "status"), "claimedBy"), "pod") == pod;
  });
  // The API tells whole seconds.
  std::ranges::sort(found, {}, [](const json& one) {
    const json& metadata = part_of(one, "metadata");
    return std::pair(text_in(metadata, "creationTimestamp"), text_in(metadata, "name"));
  });
  return found;
}

}  // namespace reprise::kubectl
