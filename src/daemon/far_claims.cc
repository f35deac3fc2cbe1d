// SPDX-License-Identifier: Apache-2.0
#include "daemon/far_claims.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "daemon/agreement.h"
#include "daemon/internal/object_name.h"
#include "json/lenient.h"
#include "json/reader.h"

namespace reprise::daemon {

using base::ErrorCode;
using base::LogLevel;
using base::Result;
using json_reader::list_in;
using json_reader::object_in;
using json_reader::text_in;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// Whether a claim has lasted for long nobody tells us.
constexpr milliseconds kPace{500};

}  // namespace

FarClaims::FarClaims(kube::Client& client, ClusterView& view, std::string node,
                     milliseconds patience)
    : client_(client),
      view_(view),
      node_(std::move(node)),
      patience_(patience),
      follower_(view, {.longest = std::min(kPace, patience), .rest = std::min(kPace, patience) / 2},
                [this] { look(); }) {}

void FarClaims::look() {
  const auto all = view_.checkpoints();
  std::erase_if(seen_, [&](const auto& one) {
    return std::ranges::none_of(all, [&](const CheckpointObject& each) {
      return each.claimed_by && each.claimed_by->uid == one.first;
    });
  });
  for (const CheckpointObject& one : all) {
    if (!may_let_go(one, node_) && !is_in_other_hands(one, node_)) continue;
    if (const auto followed = follow(one); !followed)
      base::log(LogLevel::kWarn, "whether a claim is still wanted is not known, trying again",
                {{"checkpoint", one.full_name()}, {"error", followed.error().message()}});
  }
}

// Twice: it was claimed for long, and has been gone for long.
Result<void> FarClaims::follow(const CheckpointObject& checkpoint) {
  const auto now = steady_clock::now();
  Seen& seen = seen_.try_emplace(checkpoint.claimed_by->uid, Seen{.since = now}).first->second;
  if (now - seen.since < patience_) return {};
  const auto gone = is_gone(checkpoint);
  const bool was_gone = std::exchange(seen.is_gone, gone && *gone);
  seen.since = now;
  if (!gone) return std::unexpected(gone.error());
  if (!*gone || !was_gone) return {};
  return may_let_go(checkpoint, node_) ? let_go(checkpoint) : withdraw(checkpoint);
}

// As the API has it; the pod is of another node, so no list of ours has it.
Result<bool> FarClaims::is_gone(const CheckpointObject& checkpoint) {
  const std::string& name = checkpoint.claimed_by->pod;
  if (!is_object_name(name))
    return base::fail(ErrorCode::kInvalidInput, "'" + name + "' is no pod");
  const auto pod = client_.get("/api/v1/namespaces/" + checkpoint.name_space + "/pods/" + name,
                               follower_.ends());
  if (!pod && pod.error().code() == ErrorCode::kNotFound) return true;
  if (!pod) return std::unexpected(pod.error());
  const auto facts = pod_facts(*pod);
  return facts && (facts->uid != checkpoint.claimed_by->uid || facts->ended);
}

// Removed from the cluster, or shut down for good by an administrator's word, upon which the
// cluster itself gives its volumes to others. A node that merely does not answer may run the pod.
Result<std::string> FarClaims::how_lost(const CheckpointObject& checkpoint) {
  const std::string& name = checkpoint.claimed_by->node;
  if (!is_object_name(name))
    return base::fail(ErrorCode::kInvalidInput, "'" + name + "' is no node");
  const auto node = client_.get("/api/v1/nodes/" + name, follower_.ends());
  if (!node && node.error().code() == ErrorCode::kNotFound) return "which is no more";
  if (!node) return std::unexpected(node.error());
  for (const auto& taint : list_in(object_in(*node, "spec"), "taints"))
    if (text_in(taint, "key") == "node.kubernetes.io/out-of-service")
      return "which is out of service";
  return "";
}

Result<void> FarClaims::withdraw(const CheckpointObject& checkpoint) {
  const std::string how = REPRISE_PASS(how_lost(checkpoint));
  if (how.empty()) return {};
  const std::string claimer = checkpoint.claimed_by->uid;
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    if (!is_in_other_hands(now, node_) || now.claimed_by->uid != claimer) return false;
    set_lost(now, how);
    return true;
  });
  if (!changed) return std::unexpected(changed.error());
  base::log(LogLevel::kWarn, "what a pod was to go on from is lost with its node",
            {{"checkpoint", checkpoint.full_name()}, {"message", changed->message}});
  return {};
}

Result<void> FarClaims::let_go(const CheckpointObject& checkpoint) {
  const Claimer claimer = *checkpoint.claimed_by;
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    if (!may_let_go(now, node_) || now.claimed_by->uid != claimer.uid) return false;
    drop_claim(now);
    return true;
  });
  if (!changed) return std::unexpected(changed.error());
  base::log(LogLevel::kInfo, "a claim was released whose pod is gone",
            {{"checkpoint", checkpoint.full_name()}, {"pod", claimer.pod}, {"node", claimer.node}});
  return {};
}

}  // namespace reprise::daemon
