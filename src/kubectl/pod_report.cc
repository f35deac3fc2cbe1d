// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_report.h"

#include <algorithm>
#include <utility>

#include "daemon/pod_facts.h"
#include "json/reader.h"
#include "kubectl/pod_annotations.h"
#include "kubectl/pod_wish.h"

namespace reprise::kubectl {

using json_reader::text_in;
using nlohmann::json;

namespace {

bool ignores_disruption(const json& job) {
  for (const json& rule : part_of(part_of(part_of(job, "spec"), "podFailurePolicy"), "rules")) {
    if (text_in(rule, "action") != "Ignore") continue;
    for (const json& condition : part_of(rule, "onPodConditions"))
      if (text_in(condition, "type") == "DisruptionTarget") return true;
  }
  return false;
}

void say_owner(Remarks& say, const daemon::PodFacts& facts, const Surroundings& around) {
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
               "set reprise.dev/on-disruption: checkpoint in the pod's metadata");
}

void say_volumes(Remarks& say, const json& spec) {
  for (const json& volume : part_of(spec, "volumes"))
    if (part_of(volume, "hostPath").is_object())
      say.mind("volume '" + text_in(volume, "name") + "' is the node's '" +
                   text_in(part_of(volume, "hostPath"), "path") +
                   "': on another node it has that node's files",
               "keep what the program needs in a claim or an emptyDir");
}

void say_containers(Remarks& say, const json& spec) {
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

void say_past(Remarks& say, const std::string& uid, const Surroundings& around) {
  if (!around.checkpoints) return;
  for (const json& one : *around.checkpoints) {
    const json& status = part_of(one, "status");
    const std::string name = "Checkpoint '" + text_in(part_of(one, "metadata"), "name") + "'";
    const std::string source = text_in(part_of(one, "spec"), "pod");
    const std::string phase = text_in(status, "phase");
    const std::string how = phase + " " + text_in(status, "message");
    if (text_in(part_of(status, "claimedBy"), "podUID") == uid) {
      const std::string of = name + " of pod '" + source + "'";
      if (phase == "Consumed")
        say.fine("it went on from " + of);
      else if (phase == "Withdrawn")
        say.mind("it did not go on from " + of + ": " + text_in(status, "message"), "");
      else
        say.mind("it has claimed " + of + ", and has not gone on yet: " + how, "");
    }
    if (text_in(part_of(one, "spec"), "podUID") != uid) continue;
    if (phase == "Withdrawn")
      say.mind(
          "it was saved as " + name + ", from which nobody goes on: " + text_in(status, "message"),
          "");
    else
      say.fine("it is saved as " + name + ": " + how);
  }
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

}  // namespace

PodReport report_on(const json& pod, const Surroundings& around) {
  PodReport report;
  Remarks say;
  const json& spec = part_of(pod, "spec");
  auto facts = daemon::pod_facts(pod);
  if (!facts) {
    say.prevents("this is no pod", "");
    report.remarks = say.take();
    return report;
  }
  say_runtime(say, facts->runtime_class, around);
  const bool is_accepted = say_annotations(say, part_of(pod, "metadata"));
  say_policies(say, *facts, pod, around.policies);
  if (is_accepted) say_nobody_asks(say, *facts, around);
  if (facts->node.empty())
    say.prevents("it is on no node yet", "");
  else
    say_agent(say, facts->node, around.agents);
  say_owner(say, *facts, around);
  say_containers(say, spec);
  say_volumes(say, spec);
  say_past(say, facts->uid, around);
  report.unknowns = say.unknowns();
  if (!say.is_prevented()) judge(report, *facts, around);
  report.remarks = say.take();
  return report;
}

std::string verdict_text(const PodReport& report) {
  const auto said = [&](Verdict saved) {
    if (saved == Verdict::kUnknown) return "whether it is saved is not known";
    return saved == Verdict::kYes ? "it is saved" : "it gets its signal";
  };
  std::string text = std::string("When it is drained, evicted or preempted ") +
                     said(report.saved_on_disruption) + "; when it is deleted " +
                     said(report.saved_on_delete);
  if (report.saved_on_disruption == Verdict::kUnknown ||
      report.saved_on_delete == Verdict::kUnknown)
    text += ": nobody tells of " + report.unknowns;
  return text + ".";
}

std::vector<json> history_of(const Subject& subject, const std::vector<json>& checkpoints) {
  std::vector<json> found;
  std::ranges::copy_if(checkpoints, std::back_inserter(found), [&](const json& one) {
    const json& spec = part_of(one, "spec");
    if (subject.kind != Subject::Kind::kPod) return is_made_by(part_of(spec, "owner"), subject);
    return text_in(spec, "pod") == subject.name ||
           text_in(part_of(part_of(one, "status"), "claimedBy"), "pod") == subject.name;
  });
  // The API tells whole seconds.
  std::ranges::sort(found, {}, [](const json& one) {
    const json& metadata = part_of(one, "metadata");
    return std::pair(text_in(metadata, "creationTimestamp"), text_in(metadata, "name"));
  });
  return found;
}

nlohmann::ordered_json life_of(const json& checkpoint) {
  using nlohmann::ordered_json;
  const json& metadata = part_of(checkpoint, "metadata");
  const json& spec = part_of(checkpoint, "spec");
  const json& status = part_of(checkpoint, "status");
  ordered_json containers = ordered_json::array();
  for (const json& one : part_of(status, "containers")) {
    const json& bytes = part_of(one, "bytes");
    containers.push_back({{"name", text_in(one, "name")},
                          {"checkpoint", text_in(one, "checkpoint")},
                          {"bytes", bytes.is_number_integer() ? bytes.get<std::int64_t>() : 0},
                          {"failed", text_in(one, "failed")}});
  }
  const json& by = part_of(status, "claimedBy");
  ordered_json claimed_by = nullptr;
  if (by.is_object())
    claimed_by = {{"pod", text_in(by, "pod")},
                  {"pod_uid", text_in(by, "podUID")},
                  {"node", text_in(by, "node")}};
  return {{"checkpoint", text_in(metadata, "name")},
          {"created", text_in(metadata, "creationTimestamp")},
          {"pod", text_in(spec, "pod")},
          {"pod_uid", text_in(spec, "podUID")},
          {"node", text_in(spec, "node")},
          {"reason", text_in(spec, "reason")},
          {"phase", text_in(status, "phase")},
          {"message", text_in(status, "message")},
          {"containers", std::move(containers)},
          {"claimed_by", std::move(claimed_by)}};
}

}  // namespace reprise::kubectl
