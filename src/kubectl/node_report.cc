// SPDX-License-Identifier: Apache-2.0
#include "kubectl/node_report.h"

#include <algorithm>

#include "daemon/pod_facts.h"
#include "json/lenient.h"
#include "json/reader.h"

namespace reprise::kubectl {

using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;

namespace {

bool is_set(const json& object, const char* name) {
  const json& value = child_of(object, name);
  return value.is_boolean() && value.get<bool>();
}

void say_conditions(Remarks& say, const json& node) {
  if (is_ready(node))
    say.fine("the node is ready");
  else
    say.prevents("the node is not ready", "kubectl describe node says why");
  if (is_set(child_of(node, "spec"), "unschedulable"))
    say.mind("it is cordoned: no pod comes here", "kubectl uncordon");
  for (const json& one : child_of(child_of(node, "status"), "conditions"))
    if (text_in(one, "type").ends_with("Pressure") && text_in(one, "status") == "True")
      say.mind("it has " + text_in(one, "type") + ": what is evicted for it has little time, and " +
                   "a checkpoint needs room",
               "kubectl describe node says more");
}

void say_handler(Remarks& say, const json& node) {
  const json& handlers = child_of(child_of(node, "status"), "runtimeHandlers");
  if (!handlers.is_array())
    return say.mind(
        "whether its container runtime has handler 'reprise' is not known: the kubelet "
        "does not tell",
        "pods that stay in ContainerCreating tell");
  const bool has = std::ranges::any_of(
      handlers, [](const json& one) { return text_in(one, "name") == "reprise"; });
  if (has) return say.fine("its container runtime has handler 'reprise'");
  say.prevents("its container runtime does not have handler 'reprise'",
               "container 'install' of the agent's pod registers it; containerd is to be started "
               "again then");
}

bool fits(const json& node, const json& selector) {
  const json& labels = child_of(child_of(node, "metadata"), "labels");
  if (!selector.is_object()) return true;
  return std::ranges::all_of(selector.items(), [&](const auto& one) {
    return one.value().is_string() &&
           text_in(labels, one.key().c_str()) == one.value().template get<std::string>();
  });
}

void say_classes(Remarks& say, const json& node, const NodeSurroundings& around) {
  if (!around.runtime_classes)
    return say.unknown("which runtime classes there are is not known: nobody lets us look",
                       "ask for the right to list runtimeclasses.node.k8s.io",
                       "the runtime classes");
  const auto is_ours = [](const json& one) { return text_in(one, "handler") == "reprise"; };
  const auto ours = std::ranges::find_if(*around.runtime_classes, is_ours);
  if (ours == around.runtime_classes->end())
    return say.prevents("no runtime class has handler 'reprise'",
                        "apply deploy/kubernetes.yaml, which has it");
  const std::string name = text_in(child_of(*ours, "metadata"), "name");
  if (fits(node, child_of(child_of(*ours, "scheduling"), "nodeSelector")))
    return say.fine("pods of runtime class '" + name + "' may come here");
  say.mind("pods of runtime class '" + name + "' are not scheduled to this node",
           "see the nodeSelector of the runtime class");
}

std::string named(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i)
    text += (i == 0 ? "'" : ", '") + names[i] + "'";
  if (names.size() > kMost) text += " and " + std::to_string(names.size() - kMost) + " more";
  return text;
}

void say_pods(Remarks& say, const NodeSurroundings& around) {
  if (!around.pods) return say.mind("its pods are not known: nobody lets us look", "");
  std::size_t saved = 0;
  std::vector<std::string> without_class;
  for (const json& pod : *around.pods) {
    const auto facts = daemon::pod_facts(pod);
    if (!facts || facts->ended || !(facts->wish.on_disruption || facts->wish.on_delete)) continue;
    if (facts->runtime_class.empty())
      without_class.push_back(facts->name_space + "/" + facts->name);
    else
      ++saved;
  }
  say.fine("pods here that ask for a checkpoint: " + std::to_string(saved + without_class.size()));
  if (!without_class.empty())
    say.mind("they ask for a checkpoint and name no runtime class: " + named(without_class),
             "set spec.runtimeClassName: reprise");
}

void say_checkpoints(Remarks& say, const std::string& name, const NodeSurroundings& around) {
  if (!around.checkpoints) return;
  std::vector<std::string> promised, waiting;
  for (const json& one : *around.checkpoints) {
    if (text_in(child_of(one, "spec"), "node") != name) continue;
    const json& metadata = child_of(one, "metadata");
    const std::string full = text_in(metadata, "namespace") + "/" + text_in(metadata, "name");
    const std::string phase = text_in(child_of(one, "status"), "phase");
    if (phase == "Promised" || phase.empty()) promised.push_back(full);
    if (phase == "Claimable") waiting.push_back(full);
  }
  if (!promised.empty()) say.fine("is being saved: " + named(promised));
  if (!waiting.empty())
    say.mind("was saved here, and nobody has gone on from it yet: " + named(waiting),
             "while this node is away they cannot go on elsewhere");
}

}  // namespace

NodeReport report_on_node(const json& node, const NodeSurroundings& around) {
  Remarks say;
  const std::string name = text_in(child_of(node, "metadata"), "name");
  say_conditions(say, node);
  say_agent(say, name, around.agents);
  say_handler(say, node);
  say_classes(say, node, around);
  say_pods(say, around);
  say_checkpoints(say, name, around);
  const Verdict works = say.is_prevented()       ? Verdict::kNo
                        : say.unknowns().empty() ? Verdict::kYes
                                                 : Verdict::kUnknown;
  return {.remarks = say.take(), .works = works, .unknowns = say.unknowns()};
}

std::string verdict_text(const NodeReport& report) {
  switch (report.works) {
    case Verdict::kYes:
      return "Pods are saved here, and go on here.";
    case Verdict::kNo:
      return "Pods are not saved here, and do not go on here.";
    case Verdict::kUnknown:
      break;
  }
  return "Whether pods are saved here, and go on here, is not known: nobody tells of " +
         report.unknowns + ".";
}

}  // namespace reprise::kubectl
