// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_report.h"

#include "daemon/pod_facts.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "kubectl/pod_annotations.h"
#include "kubectl/pod_owner.h"
#include "kubectl/pod_past.h"
#include "kubectl/pod_wish.h"

namespace reprise::kubectl {

using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;

namespace {

void say_runtime(Remarks& say, const std::string& name, const Surroundings& around) {
  if (name == "reprise" ||
      (around.runtime_class && text_in(*around.runtime_class, "handler") == "reprise"))
    return say.fine("it runs under Reprise");
  if (around.is_class_hidden)
    return say.unknown(
        "whether runtime class '" + name + "' is of Reprise is not known: nobody lets us look",
        "ask for the right to get runtimeclasses.node.k8s.io", "the runtime class");
  say.prevents(
      "it does not run under Reprise: " + (name.empty() ? std::string("it names no runtime class")
                                                        : "its runtime class is '" + name + "'"),
      "set spec.runtimeClassName: reprise");
}

// Unless somebody asks, or nobody tells us whether somebody does.
void say_nobody_asks(Remarks& say, const daemon::PodFacts& facts, const Surroundings& around) {
  const bool is_stated = facts.stated.on_disruption && facts.stated.on_delete;
  if (facts.wish.on_disruption || facts.wish.on_delete || !(around.policies || is_stated)) return;
  say.prevents("no annotation and no policy asks for a checkpoint",
               "set reprise.dev/on-disruption: checkpoint in the metadata of the template that it "
               "is made of");
}

void say_volumes(Remarks& say, const json& spec) {
  for (const json& volume : child_of(spec, "volumes"))
    if (child_of(volume, "hostPath").is_object())
      say.mind("volume '" + text_in(volume, "name") + "' is the node's '" +
                   text_in(child_of(volume, "hostPath"), "path") +
                   "': on another node it has that node's files",
               "keep what the program needs in a claim or an emptyDir");
}

void say_containers(Remarks& say, const json& spec) {
  for (const json& container : child_of(spec, "containers")) {
    const json& hooks = child_of(container, "lifecycle");
    const std::string name = "container '" + text_in(container, "name") + "'";
    if (child_of(hooks, "preStop").is_object())
      say.mind("preStop of " + name + " runs before it is saved",
               "do nothing in it that the program does not survive");
    if (child_of(hooks, "postStart").is_object())
      say.mind("postStart of " + name + " runs again in the replacement", "let it bear that");
  }
  for (const json& container : child_of(spec, "initContainers"))
    if (text_in(container, "restartPolicy") != "Always")
      say.mind("init container '" + text_in(container, "name") + "' runs again in the replacement",
               "let it change nothing that is there already");
  if (child_of(spec, "containers").size() > 1)
    say.mind("its containers are saved each at a moment of its own", "");
}

// `stated`: by the pod itself, for which policies do not matter then.
Verdict wish_verdict(bool wished, bool stated, const Surroundings& around) {
  if (!stated && !around.policies) return Verdict::kUnknown;
  return wished ? Verdict::kYes : Verdict::kNo;
}

// What the pod is saved at, if nothing prevents it.
void judge(PodReport& report, const daemon::PodFacts& facts, const Surroundings& around) {
  const Verdict on_delete =
      wish_verdict(facts.wish.on_delete, facts.stated.on_delete.has_value(), around);
  const Verdict on_disruption =
      !facts.lineage
          ? Verdict::kNo
          : wish_verdict(facts.wish.on_disruption, facts.stated.on_disruption.has_value(), around);
  report.saved_on_delete = on_delete;
  // What is kept when it is deleted is kept then as well.
  report.saved_on_disruption = on_delete == Verdict::kYes      ? on_delete
                               : on_disruption != Verdict::kNo ? on_disruption
                                                               : on_delete;
  const bool lacks_policies =
      on_delete == Verdict::kUnknown || report.saved_on_disruption == Verdict::kUnknown;
  if (!report.unknowns.empty()) {
    for (Verdict* one : {&report.saved_on_delete, &report.saved_on_disruption})
      if (*one == Verdict::kYes) *one = Verdict::kUnknown;
  }
  if (lacks_policies)
    report.unknowns += (report.unknowns.empty() ? "" : ", ") + std::string("the policies");
}

std::string why_over(const daemon::PodFacts& facts) {
  if (facts.ended) return "it has ended, and nothing of it is saved any more";
  if (!facts.deleted) return "";
  return "it is being ended already: 'kubectl reprise lives " + facts.name +
         "' tells what becomes of it";
}

Verdict best_of(const PodReport& report) {
  if (report.is_saved()) return Verdict::kYes;
  const bool is_unknown = report.saved_on_disruption == Verdict::kUnknown ||
                          report.saved_on_delete == Verdict::kUnknown;
  return is_unknown ? Verdict::kUnknown : Verdict::kNo;
}

}  // namespace

PodReport report_on(const json& pod, const Surroundings& around) {
  PodReport report;
  Remarks say;
  const json& spec = child_of(pod, "spec");
  auto facts = daemon::pod_facts(pod);
  if (!facts) {
    say.prevents("this is no pod", "");
    report.remarks = say.take();
    return report;
  }
  report.over = why_over(*facts);
  if (!report.over.empty()) {
    say.prevents(report.over, "");
    say_past(say, *facts, around.checkpoints, around.requests);
    report.remarks = say.take();
    return report;
  }
  say_runtime(say, facts->runtime_class, around);
  const bool is_accepted = say_annotations(say, child_of(pod, "metadata"));
  say_policies(say, *facts, pod, around.policies);
  if (is_accepted) say_nobody_asks(say, *facts, around);
  if (facts->node.empty())
    say.prevents("it is on no node yet", "");
  else
    say_agent(say, facts->node, around.agents);
  const bool is_by_hand = say_by_hand(say, *facts, pod, around.controller, around.policies);
  report.unknowns = say.unknowns();
  if (!say.is_prevented()) judge(report, *facts, around);
  const Verdict goes_on = is_by_hand ? Verdict::kNo : best_of(report);
  report.is_in_vain = say_owner(say, *facts, around.controller, goes_on) || is_by_hand;
  say_containers(say, spec);
  say_volumes(say, spec);
  say_past(say, *facts, around.checkpoints, around.requests);
  report.remarks = say.take();
  return report;
}

std::string verdict_text(const PodReport& report) {
  if (!report.over.empty()) return "No answer for its next ending: " + report.over + ".";
  const auto said = [&](Verdict saved) {
    if (saved == Verdict::kUnknown) return "whether it is saved is not known";
    if (saved == Verdict::kYes && report.is_in_vain)
      return "it is saved, but nobody goes on from it";
    return saved == Verdict::kYes ? "it is saved" : "it gets its signal";
  };
  std::string text = std::string("When it is drained, evicted or preempted ") +
                     said(report.saved_on_disruption) + "; when it is deleted " +
                     said(report.saved_on_delete);
  if (text.contains("not known")) text += ": nobody tells of " + report.unknowns;
  return text + ".";
}

}  // namespace reprise::kubectl
