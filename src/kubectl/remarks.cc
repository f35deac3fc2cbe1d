// SPDX-License-Identifier: Apache-2.0
#include "kubectl/remarks.h"

#include <algorithm>

#include "json/lenient.h"
#include "json/reader.h"

namespace reprise::kubectl {

using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;

void Remarks::put(Remark::Weight weight, std::string text, std::string remedy) {
  all_.push_back({.weight = weight, .text = std::move(text), .remedy = std::move(remedy)});
}

bool Remarks::is_prevented() const {
  return std::ranges::any_of(
      all_, [](const Remark& one) { return one.weight == Remark::Weight::kPrevents; });
}

nlohmann::ordered_json to_json(Verdict verdict) {
  if (verdict == Verdict::kUnknown) return nullptr;
  return verdict == Verdict::kYes;
}

const char* mark_of(Remark::Weight weight) {
  switch (weight) {
    case Remark::Weight::kFine:
      return "ok";
    case Remark::Weight::kMind:
      return "mind";
    case Remark::Weight::kPrevents:
      return "no";
  }
  return "";
}

bool is_ready(const json& object) {
  for (const json& condition : child_of(child_of(object, "status"), "conditions"))
    if (text_in(condition, "type") == "Ready") return text_in(condition, "status") == "True";
  return false;
}

void say_agent(Remarks& say, const std::string& node,
               const std::optional<std::vector<json>>& agents) {
  if (!agents)
    return say.unknown(
        "whether the agent of node '" + node + "' is ready is not known: nobody lets us look",
        "ask for the right to list pods in namespace 'reprise-system'", "the node's agent");
  const auto agent = std::ranges::find_if(
      *agents, [&](const json& one) { return text_in(child_of(one, "spec"), "nodeName") == node; });
  if (agent == agents->end())
    return say.prevents("no agent is on node '" + node + "'", "install Reprise there");
  const std::string name = text_in(child_of(*agent, "metadata"), "name");
  if (is_ready(*agent)) return say.fine("the agent of node '" + node + "' is ready");
  for (const json& one : child_of(child_of(*agent, "status"), "initContainerStatuses"))
    if (!child_of(one, "ready").is_boolean() || !child_of(one, "ready").get<bool>())
      return say.prevents("Reprise is not installed on node '" + node + "' yet",
                          "kubectl -n reprise-system logs " + name + " -c install says why");
  say.prevents("the agent of node '" + node + "' is not ready",
               "kubectl -n reprise-system describe pod " + name);
}

}  // namespace reprise::kubectl
