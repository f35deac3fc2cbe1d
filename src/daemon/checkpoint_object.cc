// SPDX-License-Identifier: Apache-2.0
#include "daemon/checkpoint_object.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/units.h"
#include "json/lenient.h"
#include "json/reader.h"

namespace reprise::daemon {

using json_reader::flag_in;
using json_reader::list_in;
using json_reader::object_in;
using json_reader::text_in;
using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 4> kPhases = {"Promised", "Claimable", "Withdrawn",
                                                     "Consumed"};

// One that is not known is of a later version, which will deal with it.
std::optional<Phase> phase_named(const std::string& name) {
  if (name.empty()) return Phase::kPromised;
  const auto found = std::ranges::find(kPhases, std::string_view(name));
  if (found == kPhases.end()) return std::nullopt;
  return static_cast<Phase>(found - kPhases.begin());
}

json to_json(const SavedContainer& container) {
  json j{{"name", container.name}};
  if (!container.checkpoint.empty()) {
    j["checkpoint"] = container.checkpoint.str();
    j["bytes"] = container.bytes;
  }
  if (!container.failed.empty()) j["failed"] = container.failed;
  if (container.resumed) j["resumed"] = true;
  return j;
}

SavedContainer container_in(const json& j) {
  SavedContainer container{
      .name = text_in(j, "name"),
      .checkpoint =
          base::CheckpointId::parse(text_in(j, "checkpoint")).value_or(base::CheckpointId()),
      .failed = text_in(j, "failed"),
      .resumed = flag_in(j, "resumed")};
  if (j.contains("bytes") && j["bytes"].is_number_unsigned())
    container.bytes = j["bytes"].get<std::uint64_t>();
  return container;
}

std::optional<Claimer> claimer_in(const json& status) {
  const json& by = object_in(status, "claimedBy");
  if (text_in(by, "podUID").empty()) return std::nullopt;
  Claimer claimer{.pod = text_in(by, "pod"),
                  .uid = text_in(by, "podUID"),
                  .node = text_in(by, "node"),
                  .token_hash = text_in(by, "tokenHash")};
  if (by.contains("begun")) claimer.begun = flag_in(by, "begun");
  claimer.lost = flag_in(by, "lost");
  return claimer;
}

std::optional<SourcePeer> source_peer_in(const json& status) {
  const json& peer = object_in(status, "source");
  if (text_in(peer, "address").empty()) return std::nullopt;
  return SourcePeer{.address = text_in(peer, "address"), .pin = text_in(peer, "publicKey")};
}

Lineage lineage_in(const json& spec) {
  const json& owner = object_in(spec, "owner");
  return {.owner = {.api_version = text_in(owner, "apiVersion"),
                    .kind = text_in(owner, "kind"),
                    .name = text_in(owner, "name"),
                    .uid = text_in(owner, "uid")},
          .template_hash = text_in(spec, "template"),
          .slot = text_in(spec, "slot")};
}

// Names of objects have up to 253 characters; those of pods, too.
std::string name_for(const std::string& pod, const std::string& uid) {
  constexpr std::size_t kLongestPod = 240;
  constexpr std::size_t kUid = 8;
  return pod.substr(0, kLongestPod) + "-" + uid.substr(0, kUid);
}

json owner_reference(const Owner& owner) {
  return json{{"apiVersion", owner.api_version},
              {"kind", owner.kind},
              {"name", owner.name},
              {"uid", owner.uid}};
}

}  // namespace

std::string_view to_string(Phase phase) { return kPhases.at(static_cast<std::size_t>(phase)); }

const SavedContainer* CheckpointObject::find(const std::string& container) const {
  const auto found = std::ranges::find(containers, container, &SavedContainer::name);
  return found == containers.end() ? nullptr : &*found;
}

std::string checkpoints_of(const std::string& name_space) {
  return "/apis/reprise.dev/v1alpha1/namespaces/" + name_space + "/checkpoints";
}

std::string CheckpointObject::path() const { return checkpoints_of(name_space) + "/" + name; }

oci::PodContainer CheckpointObject::source(const std::string& container) const {
  return {.name_space = name_space, .pod = pod, .uid = pod_uid, .container = container};
}

std::optional<CheckpointObject> read_checkpoint(json object) {
  const json& metadata = object_in(object, "metadata");
  const json& spec = object_in(object, "spec");
  const json& status = object_in(object, "status");
  const auto phase = phase_named(text_in(status, "phase"));
  CheckpointObject found{.name_space = text_in(metadata, "namespace"),
                         .name = text_in(metadata, "name"),
                         .uid = text_in(metadata, "uid"),
                         .pod = text_in(spec, "pod"),
                         .pod_uid = text_in(spec, "podUID"),
                         .node = text_in(spec, "node"),
                         .lineage = lineage_in(spec),
                         .message = text_in(status, "message"),
                         .claimed_by = claimer_in(status),
                         .source_peer = source_peer_in(status),
                         .key = text_in(status, "key"),
                         .remote = text_in(status, "remote")};
  if (!phase || found.name.empty() || found.pod_uid.empty()) return std::nullopt;
  found.phase = *phase;
  for (const json& name : list_in(spec, "containers"))
    if (name.is_string()) found.expected.push_back(name.get<std::string>());
  for (const json& one : list_in(status, "containers"))
    found.containers.push_back(container_in(one));
  found.object = std::move(object);
  return found;
}

json new_checkpoint(const PodFacts& pod, const std::vector<std::string>& containers,
                    std::string_view reason) {
  const Lineage& lineage = *pod.lineage;
  json owner = owner_reference(lineage.owner);
  return json{{"apiVersion", kCheckpointGroup},
              {"kind", "Checkpoint"},
              {"metadata",
               {{"name", name_for(pod.name, pod.uid)},
                {"namespace", pod.name_space},
                {"ownerReferences", json::array({owner})}}},
              {"spec",
               {{"pod", pod.name},
                {"podUID", pod.uid},
                {"node", pod.node},
                {"owner", owner},
                {"template", lineage.template_hash},
                {"slot", lineage.slot},
                {"containers", containers},
                {"reason", reason}}}};
}

void set_phase(CheckpointObject& checkpoint, Phase phase, const std::string& message) {
  json& status = checkpoint.object["status"];
  if (text_in(status, "phase") != to_string(phase))
    status[kTransitionTime] = base::to_iso8601(base::now_unix_millis());
  checkpoint.phase = phase;
  checkpoint.message = message;
  status["phase"] = to_string(phase);
  status["message"] = message;
}

void set_container(CheckpointObject& checkpoint, const SavedContainer& container) {
  const auto found =
      std::ranges::find(checkpoint.containers, container.name, &SavedContainer::name);
  if (found == checkpoint.containers.end())
    checkpoint.containers.push_back(container);
  else
    *found = container;
  json list = json::array();
  for (const SavedContainer& one : checkpoint.containers) list.push_back(to_json(one));
  checkpoint.object["status"]["containers"] = std::move(list);
}

void set_claim(CheckpointObject& checkpoint, const Claimer& claimer) {
  checkpoint.claimed_by = claimer;
  json& by = checkpoint.object["status"]["claimedBy"];
  by = json{{"pod", claimer.pod}, {"podUID", claimer.uid}, {"node", claimer.node}};
  if (!claimer.token_hash.empty()) by["tokenHash"] = claimer.token_hash;
  if (claimer.begun) by["begun"] = *claimer.begun;
  if (claimer.lost) by["lost"] = true;
}

std::string what_is_kept(const CheckpointObject& checkpoint) {
  std::string kept;
  for (const SavedContainer& one : checkpoint.containers)
    if (!one.checkpoint.empty())
      kept +=
          (kept.empty() ? "; node '" + checkpoint.node + "' keeps " : ", ") + one.checkpoint.str();
  return kept;
}

void drop_claim(CheckpointObject& checkpoint) {
  checkpoint.claimed_by.reset();
  checkpoint.object["status"].erase("claimedBy");
}

bool set_resumed(CheckpointObject& checkpoint, const std::string& container,
                 const base::CheckpointId& id) {
  const SavedContainer* saved = checkpoint.find(container);
  if (saved == nullptr || saved->checkpoint != id || saved->resumed) return false;
  SavedContainer resumed = *saved;
  resumed.resumed = true;
  set_container(checkpoint, resumed);
  const bool all = std::ranges::all_of(checkpoint.containers, [](const SavedContainer& each) {
    return each.resumed || each.checkpoint.empty();
  });
  if (all) set_phase(checkpoint, Phase::kConsumed, "");
  return true;
}

void set_source_peer(CheckpointObject& checkpoint, const SourcePeer& peer) {
  checkpoint.source_peer = peer;
  checkpoint.object["status"]["source"] = json{{"address", peer.address}, {"publicKey", peer.pin}};
}

void set_key(CheckpointObject& checkpoint, const std::string& key) {
  checkpoint.key = key;
  if (key.empty())
    checkpoint.object["status"].erase("key");
  else
    checkpoint.object["status"]["key"] = key;
}

void set_remote(CheckpointObject& checkpoint, const std::string& remote) {
  checkpoint.remote = remote;
  checkpoint.object["status"]["remote"] = remote;
}

void set_size(CheckpointObject& checkpoint) {
  std::uint64_t bytes = 0;
  for (const SavedContainer& one : checkpoint.containers) bytes += one.bytes;
  checkpoint.object["status"]["size"] = base::format_bytes(bytes);
}

bool has_own_name(const CheckpointObject& checkpoint) {
  return checkpoint.name == name_for(checkpoint.pod, checkpoint.pod_uid);
}

std::optional<Phase> settled_phase(const CheckpointObject& checkpoint) {
  bool all = true;
  for (const std::string& name : checkpoint.expected) {
    const SavedContainer* found = checkpoint.find(name);
    if (found == nullptr || (found->checkpoint.empty() && found->failed.empty()))
      return std::nullopt;
    all = all && !found->checkpoint.empty();
  }
  return all ? Phase::kClaimable : Phase::kWithdrawn;
}

std::string why_withdrawn(const CheckpointObject& checkpoint) {
  const auto failed = std::ranges::find_if(checkpoint.containers,
                                           [](const auto& one) { return !one.failed.empty(); });
  if (failed == checkpoint.containers.end()) return {};
  const bool is_only = checkpoint.expected.size() == 1;
  return (is_only ? "" : "container '" + failed->name + "' was not saved: ") + failed->failed +
         what_is_kept(checkpoint);
}

std::string created(const CheckpointObject& checkpoint) {
  return text_in(object_in(checkpoint.object, "metadata"), "creationTimestamp");
}

bool is_claimed_by(const CheckpointObject& checkpoint, const PodFacts& pod) {
  return checkpoint.claimed_by && checkpoint.claimed_by->uid == pod.uid;
}

bool may_let_go(const CheckpointObject& checkpoint, const std::string& own) {
  return checkpoint.node == own && !checkpoint.is_over() && checkpoint.claimed_by &&
         checkpoint.claimed_by->node != own && checkpoint.claimed_by->begun == false &&
         std::ranges::none_of(checkpoint.containers, &SavedContainer::resumed);
}

bool is_in_other_hands(const CheckpointObject& checkpoint, const std::string& own) {
  return checkpoint.node == own && !checkpoint.is_over() && checkpoint.claimed_by &&
         checkpoint.claimed_by->node != own && !may_let_go(checkpoint, own);
}

void set_lost(CheckpointObject& checkpoint, const std::string& how) {
  Claimer claimer = *checkpoint.claimed_by;
  const std::string who = "pod '" + claimer.pod + "' on node '" + claimer.node + "', " + how + ",";
  if (std::ranges::any_of(checkpoint.containers, &SavedContainer::resumed))
    return set_phase(checkpoint, Phase::kConsumed, who + " had gone on from part of it");
  claimer.lost = true;
  set_claim(checkpoint, claimer);
  set_phase(
      checkpoint, Phase::kWithdrawn,
      who + " was about to go on from it: whether it ran nobody knows" + what_is_kept(checkpoint));
}

namespace {

// Of whatever template: a rollout may be taken back.
bool is_of_place(const CheckpointObject& checkpoint, const PodFacts& pod) {
  return pod.lineage && !pod.lineage->slot.empty() && checkpoint.name_space == pod.name_space &&
         checkpoint.pod_uid != pod.uid && checkpoint.lineage.slot == pod.lineage->slot &&
         checkpoint.lineage.owner.uid == pod.lineage->owner.uid;
}

}  // namespace

void keep_newest_of_place(std::vector<CheckpointObject>& checkpoints, const PodFacts& pod) {
  std::string newest;
  for (const CheckpointObject& one : checkpoints)
    if (is_of_place(one, pod)) newest = std::max(newest, created(one));
  std::erase_if(checkpoints, [&](const CheckpointObject& one) {
    return is_of_place(one, pod) && created(one) < newest;
  });
}

const CheckpointObject* lost_of_place(const std::vector<CheckpointObject>& checkpoints,
                                      const PodFacts& pod) {
  const CheckpointObject* newest = nullptr;
  for (const CheckpointObject& one : checkpoints)
    if (is_of_place(one, pod) && (newest == nullptr || created(one) > created(*newest)))
      newest = &one;
  const bool is_lost = newest != nullptr && newest->phase == Phase::kWithdrawn &&
                       newest->claimed_by && newest->claimed_by->lost &&
                       newest->claimed_by->uid != pod.uid;
  return is_lost ? newest : nullptr;
}

bool is_stale_beside(const CheckpointObject& checkpoint, const PodFacts& pod) {
  return !checkpoint.is_over() && !checkpoint.claimed_by && !pod.running.empty() &&
         is_of_place(checkpoint, pod);
}

namespace {

bool is_for(const CheckpointObject& checkpoint, const PodFacts& pod) {
  if (checkpoint.is_over() || !has_own_name(checkpoint)) return false;
  if (checkpoint.name_space != pod.name_space || checkpoint.pod_uid == pod.uid) return false;
  return pod.lineage && checkpoint.lineage.owner.uid == pod.lineage->owner.uid &&
         checkpoint.lineage.template_hash == pod.lineage->template_hash &&
         checkpoint.lineage.slot == pod.lineage->slot;
}

}  // namespace

bool may_claim(const CheckpointObject& checkpoint, const PodFacts& pod) {
  return is_for(checkpoint, pod) &&
         (!checkpoint.claimed_by || checkpoint.claimed_by->uid == pod.uid);
}

bool is_claimed_by_predecessor(const CheckpointObject& checkpoint, const PodFacts& pod) {
  return is_for(checkpoint, pod) && !checkpoint.lineage.slot.empty() && checkpoint.claimed_by &&
         checkpoint.claimed_by->uid != pod.uid;
}

}  // namespace reprise::daemon
