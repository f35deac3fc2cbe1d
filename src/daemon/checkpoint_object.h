// SPDX-License-Identifier: Apache-2.0
//
// Custom resource Checkpoint (deploy/kubernetes/checkpoints.yaml): what the agents of a cluster
// agree on about one pod that is to go on elsewhere. Objects are changed by compare-and-swap only.
//
//   Promised   the pod is about to end, and will be saved
//   Claimable  it has been, and has ended
//   Withdrawn  it was not, or not all of it, or nobody can go on from it any more
//   Consumed   another pod has gone on from it
//
// One pod claims it, in whatever phase but the last two, and nobody else does any more.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "daemon/pod_facts.h"
#include "oci/cri.h"

namespace reprise::daemon {

// Of the status, written whenever the phase changes.
inline constexpr const char* kTransitionTime = "lastTransitionTime";
inline constexpr const char* kCheckpointGroup = "reprise.dev/v1alpha1";
inline constexpr const char* kCheckpointCollection = "/apis/reprise.dev/v1alpha1/checkpoints";

enum class Phase : std::uint8_t { kPromised, kClaimable, kWithdrawn, kConsumed };
std::string_view to_string(Phase phase);

// What became of one container of the pod.
struct SavedContainer {
  std::string name;
  base::CheckpointId checkpoint;  // none: not yet, or not at all
  std::uint64_t bytes = 0;
  std::string failed;    // why it was not saved
  bool resumed = false;  // by whoever claimed it
};

struct Claimer {
  std::string pod, uid, node;
  // SHA-256, in hex, of the token with which its node's agent reads what was saved; empty where it
  // lies on that node.
  std::string token_hash = {};
  // Whether its agent may have had tasks of the pod run, from before any does. nullopt: an older
  // agent, which does not say.
  std::optional<bool> begun = std::nullopt;
  // It had begun on a node that is gone for good: whether it ran nobody will ever know.
  bool lost = false;
};

// Where the source's agent gives out what was saved.
struct SourcePeer {
  std::string address;  // "HOST:PORT"
  std::string pin;      // http::SelfSigned::pin
  bool operator==(const SourcePeer&) const = default;
};

// A view of an object; the object itself is what is written, so that fields of later versions stay.
struct CheckpointObject {
  nlohmann::json object;
  std::string name_space, name, uid;
  std::string pod, pod_uid, node;  // of the source
  Lineage lineage;
  std::vector<std::string> expected;  // containers
  Phase phase = Phase::kPromised;
  std::string message;
  std::vector<SavedContainer> containers;
  std::optional<Claimer> claimed_by;
  std::optional<SourcePeer> source_peer;
  std::string key;  // id of the key-encryption key of its node's store; empty: not told
  // Name of a remote that holds all that was saved; empty: none does, as far as is told.
  std::string remote;

  [[nodiscard]] const SavedContainer* find(const std::string& container) const;
  [[nodiscard]] std::string path() const;
  [[nodiscard]] std::string full_name() const { return name_space + "/" + name; }
  // Nobody goes on from it any more.
  [[nodiscard]] bool is_over() const {
    return phase == Phase::kWithdrawn || phase == Phase::kConsumed;
  }
  // A container of the source.
  [[nodiscard]] oci::PodContainer source(const std::string& container) const;
};

// nullopt for what is none.
std::optional<CheckpointObject> read_checkpoint(nlohmann::json object);

// A promise for `containers` of `pod`, which has a lineage, to be created. Its name is made of the
// pod's, so that a second promise is found to be there already.
nlohmann::json new_checkpoint(const PodFacts& pod, const std::vector<std::string>& containers,
                              std::string_view reason);
// Whether it has the name that the promise for its pod got: an object of another name is not ours.
bool has_own_name(const CheckpointObject& checkpoint);
// The collection of a namespace.
std::string checkpoints_of(const std::string& name_space);

// Changes of the status in `checkpoint.object`, and of the view.
void set_phase(CheckpointObject& checkpoint, Phase phase, const std::string& message);
void set_container(CheckpointObject& checkpoint, const SavedContainer& container);
void set_claim(CheckpointObject& checkpoint, const Claimer& claimer);
// "; node 'n1' keeps ID, …": what of it stays where it was saved; empty if nothing was saved.
std::string what_is_kept(const CheckpointObject& checkpoint);
// Nobody's again.
void drop_claim(CheckpointObject& checkpoint);
// Its claimer went on from `id` in that container; Consumed if it has in all. False if that is
// known, or not so.
bool set_resumed(CheckpointObject& checkpoint, const std::string& container,
                 const base::CheckpointId& id);
void set_source_peer(CheckpointObject& checkpoint, const SourcePeer& peer);
// Empty: it is not known.
void set_key(CheckpointObject& checkpoint, const std::string& key);
void set_remote(CheckpointObject& checkpoint, const std::string& remote);
// For people: what all that was saved takes.
void set_size(CheckpointObject& checkpoint);

// What becomes of a promise when these are all that is known of its containers; nullopt: not yet
// decided. All of them, or none: one that went on beside another that began anew would find the
// files that they share begun anew as well.
std::optional<Phase> settled_phase(const CheckpointObject& checkpoint);

// Of one that was not saved, or not whole: the container, and the cause of that.
std::string why_withdrawn(const CheckpointObject& checkpoint);

// Whether `pod`, which runs in the one place of its kind and has not claimed it, makes it too old
// to go on from.
bool is_stale_beside(const CheckpointObject& checkpoint, const PodFacts& pod);

// When it was made, as the API writes it: later is greater.
std::string created(const CheckpointObject& checkpoint);
bool is_claimed_by(const CheckpointObject& checkpoint, const PodFacts& pod);
// Whether node `own`, which saved it, may let go of the claim of a pod of another node, once that
// pod is gone: nobody has gone on from it, and nobody can any more without claiming it again.
bool may_let_go(const CheckpointObject& checkpoint, const std::string& own);
// Whether only the other node can tell how far the claimer of what node `own` saved has come.
bool is_in_other_hands(const CheckpointObject& checkpoint, const std::string& own);
// The claimer's node will never tell: nobody goes on from it any more. `how` it is gone.
void set_lost(CheckpointObject& checkpoint, const std::string& how);

// Of the Checkpoints of a pod's place, where it is one of several that are not alike, only the
// newest is left, whatever became of it: all others are older than what ran there since.
void keep_newest_of_place(std::vector<CheckpointObject>& checkpoints, const PodFacts& pod);

// Of the Checkpoints of a pod's one place the newest, if it was lost with the claimer's node.
const CheckpointObject* lost_of_place(const std::vector<CheckpointObject>& checkpoints,
                                      const PodFacts& pod);

// Whether `pod` may go on from it: same namespace and lineage, another pod, nobody's but its own;
// under the name that its promise got.
bool may_claim(const CheckpointObject& checkpoint, const PodFacts& pod);
// Whether it could, had not another pod of its one place claimed it: which is gone, since it is
// here.
bool is_claimed_by_predecessor(const CheckpointObject& checkpoint, const PodFacts& pod);

}  // namespace reprise::daemon
