// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_past.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <utility>

#include "json/lenient.h"
#include "json/reader.h"

namespace reprise::kubectl {

using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;

namespace {

// The API tells whole seconds.
std::pair<std::string, std::string> age_of(const json& object) {
  const json& metadata = child_of(object, "metadata");
  return {text_in(metadata, "creationTimestamp"), text_in(metadata, "name")};
}

bool has_failed(const json& object) {
  return std::ranges::any_of(child_of(child_of(object, "status"), "containers"),
                             [](const json& one) { return !text_in(one, "failed").empty(); });
}

void say_checkpoint(Remarks& say, const std::string& uid, const json& one) {
  const json& status = child_of(one, "status");
  const std::string name = "Checkpoint '" + text_in(child_of(one, "metadata"), "name") + "'";
  const std::string source = text_in(child_of(one, "spec"), "pod");
  const std::string phase = text_in(status, "phase");
  const std::string message = text_in(status, "message");
  const std::string how = phase + " " + message;
  if (text_in(child_of(status, "claimedBy"), "podUID") == uid) {
    const std::string of = name + " of pod '" + source + "'";
    if (phase == "Consumed")
      say.fine("it went on from " + of);
    else if (phase == "Withdrawn")
      say.mind("it did not go on from " + of + ": " + message, "");
    else
      say.mind("it has claimed " + of + ", and has not gone on yet: " + how, "");
  }
  if (text_in(child_of(one, "spec"), "podUID") != uid) return;
  if (phase != "Withdrawn") return say.fine("it is saved as " + name + ": " + how);
  if (has_failed(one)) return say.mind("it was not saved (" + name + "): " + message, "");
  say.mind("it was saved as " + name + ", from which nobody goes on: " + message, "");
}

// Of the pod before it in its place, or of its owner where all are alike.
void say_predecessor(Remarks& say, const daemon::PodFacts& pod,
                     const std::vector<json>& checkpoints) {
  if (!pod.lineage) return;
  const json* last = nullptr;
  for (const json& one : checkpoints) {
    const json& spec = child_of(one, "spec");
    const json& owner = child_of(spec, "owner");
    if (text_in(owner, "kind") != pod.lineage->owner.kind ||
        text_in(owner, "name") != pod.lineage->owner.name ||
        text_in(spec, "slot") != pod.lineage->slot || text_in(spec, "podUID") == pod.uid)
      continue;
    if (last == nullptr || age_of(*last) < age_of(one)) last = &one;
  }
  if (last == nullptr || text_in(child_of(*last, "status"), "phase") != "Withdrawn" ||
      !has_failed(*last) ||
      text_in(child_of(child_of(*last, "status"), "claimedBy"), "podUID") == pod.uid)
    return;
  say.mind("pod '" + text_in(child_of(*last, "spec"), "pod") +
               "' before it was not saved (Checkpoint '" + age_of(*last).second +
               "'): " + text_in(child_of(*last, "status"), "message"),
           "");
}

void say_request(Remarks& say, const daemon::PodFacts& pod, const std::vector<json>& requests) {
  const json* last = nullptr;
  for (const json& one : requests)
    if (text_in(child_of(one, "spec"), "podUID") == pod.uid &&
        (last == nullptr || age_of(*last) < age_of(one)))
      last = &one;
  if (last == nullptr || text_in(child_of(*last, "status"), "phase") != "Failed") return;
  std::string why = text_in(child_of(*last, "status"), "message");
  for (const json& one : child_of(child_of(*last, "status"), "containers"))
    if (const std::string failed = text_in(one, "failed"); !failed.empty() && !why.contains(failed))
      why +=
          (why.empty() ? "container '" : "; container '") + text_in(one, "name") + "': " + failed;
  say.mind("the last checkpoint that was asked for failed (CheckpointRequest '" +
               age_of(*last).second + "'): " + why,
           "");
}

using Cells = std::array<std::string, 5>;
using Widths = std::array<std::size_t, std::tuple_size_v<Cells>>;

Cells cells_of(const json& checkpoint) {
  const json& spec = child_of(checkpoint, "spec");
  const json& status = child_of(checkpoint, "status");
  const json& by = child_of(status, "claimedBy");
  return {text_in(child_of(checkpoint, "metadata"), "creationTimestamp"),
          text_in(spec, "pod") + " on " + text_in(spec, "node"), text_in(status, "phase"),
          by.empty() ? "" : "-> " + text_in(by, "pod") + " on " + text_in(by, "node"),
          text_in(status, "message")};
}

}  // namespace

void say_past(Remarks& say, const daemon::PodFacts& pod, const Listed& checkpoints,
              const Listed& requests) {
  if (checkpoints) {
    for (const json& one : *checkpoints) say_checkpoint(say, pod.uid, one);
    say_predecessor(say, pod, *checkpoints);
  }
  if (requests) say_request(say, pod, *requests);
}

std::vector<json> history_of(const Subject& subject, const std::vector<json>& checkpoints) {
  std::vector<json> found;
  std::ranges::copy_if(checkpoints, std::back_inserter(found), [&](const json& one) {
    const json& spec = child_of(one, "spec");
    if (subject.kind != Subject::Kind::kPod) return is_made_by(child_of(spec, "owner"), subject);
    return text_in(spec, "pod") == subject.name ||
           text_in(child_of(child_of(one, "status"), "claimedBy"), "pod") == subject.name;
  });
  std::ranges::sort(found, {}, age_of);
  return found;
}

std::string told_lives(const std::vector<json>& history) {
  std::vector<Cells> lines;
  lines.reserve(history.size());
  for (const json& one : history) lines.push_back(cells_of(one));
  Widths widths{};
  for (const Cells& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i)
      widths.at(i) = std::max(widths.at(i), line.at(i).size());
  constexpr const char* kGap = "  ";
  std::string text;
  for (const Cells& line : lines) {
    std::string told;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (widths.at(i) == 0) continue;
      told += line.at(i) + std::string(widths.at(i) - line.at(i).size(), ' ') + kGap;
    }
    text += told.substr(0, told.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

nlohmann::ordered_json life_of(const json& checkpoint) {
  using nlohmann::ordered_json;
  const json& metadata = child_of(checkpoint, "metadata");
  const json& spec = child_of(checkpoint, "spec");
  const json& status = child_of(checkpoint, "status");
  ordered_json containers = ordered_json::array();
  for (const json& one : child_of(status, "containers")) {
    const json& bytes = child_of(one, "bytes");
    containers.push_back({{"name", text_in(one, "name")},
                          {"checkpoint", text_in(one, "checkpoint")},
                          {"bytes", bytes.is_number_integer() ? bytes.get<std::int64_t>() : 0},
                          {"failed", text_in(one, "failed")}});
  }
  const json& by = child_of(status, "claimedBy");
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
