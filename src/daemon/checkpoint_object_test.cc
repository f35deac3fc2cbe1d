// SPDX-License-Identifier: Apache-2.0
#include "daemon/checkpoint_object.h"

#include <gtest/gtest.h>

namespace reprise::daemon {
namespace {

using nlohmann::json;

PodFacts pod_of(const std::string& uid) {
  return {
      .name_space = "shop",
      .name = "web-abc",
      .uid = uid,
      .node = "n1",
      .lineage =
          Lineage{
              .owner = {.api_version = "apps/v1", .kind = "ReplicaSet", .name = "web", .uid = "o1"},
              .template_hash = "h1",
              .slot = ""},
      .deleted = true,
      .running = {"app", "side"}};
}

CheckpointObject promised() {
  json object = new_checkpoint(pod_of("0123456789"), {"app", "side"}, "EvictionByEvictionAPI");
  object["metadata"]["uid"] = "c1";
  return read_checkpoint(object).value();
}

// As it comes back from the server.
CheckpointObject again(const CheckpointObject& checkpoint) {
  return read_checkpoint(json::parse(checkpoint.object.dump())).value();
}

TEST(CheckpointObject, APromiseSaysWhoIsToGoOn) {
  const CheckpointObject made = promised();
  EXPECT_EQ(made.name, "web-abc-01234567");
  EXPECT_EQ(made.path(), "/apis/reprise.dev/v1alpha1/namespaces/shop/checkpoints/web-abc-01234567");
  EXPECT_EQ(made.pod_uid, "0123456789");
  EXPECT_EQ(made.node, "n1");
  EXPECT_EQ(made.lineage, *pod_of("x").lineage);
  EXPECT_EQ(made.expected, (std::vector<std::string>{"app", "side"}));
  EXPECT_EQ(made.phase, Phase::kPromised);
  EXPECT_EQ(made.object["metadata"]["ownerReferences"][0]["uid"], "o1");
}

TEST(CheckpointObject, ChangesAreWrittenAndRead) {
  CheckpointObject made = promised();
  set_container(made, {.name = "app", .checkpoint = base::CheckpointId("k1"), .bytes = 7});
  set_container(made, {.name = "side", .failed = "no room"});
  set_claim(made, {.pod = "web-def", .uid = "u2", .node = "n2"});
  set_phase(made, Phase::kClaimable, "");
  const CheckpointObject read = again(made);
  EXPECT_EQ(read.phase, Phase::kClaimable);
  EXPECT_EQ(read.find("app")->checkpoint, base::CheckpointId("k1"));
  EXPECT_EQ(read.find("app")->bytes, 7U);
  EXPECT_EQ(read.find("side")->failed, "no room");
  EXPECT_EQ(read.claimed_by->uid, "u2");
  EXPECT_EQ(read.claimed_by->node, "n2");
}

TEST(CheckpointObject, SaysWhereItIsGivenOutAndToWhom) {
  CheckpointObject made = promised();
  EXPECT_TRUE(has_own_name(made));
  set_container(made, {.name = "app", .checkpoint = base::CheckpointId("k1"), .bytes = 1'500'000});
  set_container(made, {.name = "side", .checkpoint = base::CheckpointId("k2"), .bytes = 500'000});
  set_size(made);
  set_source_peer(made, {.address = "10.0.0.1:7434", .pin = "pin"});
  set_claim(made, {.pod = "web-def", .uid = "u2", .node = "n2", .token_hash = "5ec"});
  const CheckpointObject read = again(made);
  EXPECT_EQ(read.source_peer, (SourcePeer{.address = "10.0.0.1:7434", .pin = "pin"}));
  EXPECT_EQ(read.claimed_by->token_hash, "5ec");
  EXPECT_EQ(read.object["status"]["size"], "2.0 MB");
  made.object["metadata"]["name"] = "forged";
  EXPECT_FALSE(has_own_name(again(made)));
}

TEST(CheckpointObject, FieldsOfLaterVersionsStay) {
  CheckpointObject made = promised();
  made.object["status"]["later"] = {{"x", 1}};
  set_phase(made, Phase::kPromised, "");
  made.object["status"]["lastTransitionTime"] = "long ago";
  set_phase(made, Phase::kPromised, "the same");
  EXPECT_EQ(made.object["status"]["lastTransitionTime"], "long ago");
  set_phase(made, Phase::kWithdrawn, "why");
  EXPECT_NE(made.object["status"]["lastTransitionTime"], "long ago");
  EXPECT_EQ(again(made).object["status"]["later"]["x"], 1);
}

TEST(CheckpointObject, IsSettledWhenAllContainersAre) {
  CheckpointObject made = promised();
  EXPECT_FALSE(settled_phase(made));
  set_container(made, {.name = "app", .checkpoint = base::CheckpointId("k1")});
  EXPECT_FALSE(settled_phase(made));
  set_container(made, {.name = "side", .failed = "x"});
  EXPECT_EQ(settled_phase(made), Phase::kWithdrawn) << "half a pod is none";
  // Whichever of them was known first.
  EXPECT_TRUE(why_withdrawn(made).starts_with("container 'side' was not saved: x; node '"));
  set_container(made, {.name = "side", .checkpoint = base::CheckpointId("k2")});
  EXPECT_EQ(settled_phase(made), Phase::kClaimable);
}

TEST(CheckpointObject, WhoMayClaim) {
  CheckpointObject made = promised();
  EXPECT_FALSE(may_claim(made, pod_of("0123456789"))) << "the pod itself";
  EXPECT_TRUE(may_claim(made, pod_of("u2")));
  PodFacts other = pod_of("u2");
  other.name_space = "theirs";
  EXPECT_FALSE(may_claim(made, other));
  other = pod_of("u2");
  other.lineage->owner.uid = "o2";
  EXPECT_FALSE(may_claim(made, other));
  other = pod_of("u2");
  other.lineage->template_hash = "h2";
  EXPECT_FALSE(may_claim(made, other));
  other = pod_of("u2");
  other.lineage->slot = "3";
  EXPECT_FALSE(may_claim(made, other));
  other.lineage.reset();
  EXPECT_FALSE(may_claim(made, other));
}

// Only what has the name of its promise is the agents'.
TEST(CheckpointObject, NobodyClaimsUnderAnotherName) {
  CheckpointObject made = promised();
  made.name = "forged";
  EXPECT_FALSE(may_claim(made, pod_of("u2")));
}

TEST(CheckpointObject, SaysWithWhichKeyItIsSealedAndWhoMayHaveBegun) {
  CheckpointObject made = promised();
  EXPECT_EQ(again(made).key, "");
  set_key(made, "0123456789abcdef");
  set_claim(made, {.pod = "web-def", .uid = "u2", .node = "n2"});
  EXPECT_EQ(again(made).key, "0123456789abcdef");
  EXPECT_FALSE(again(made).claimed_by->begun.has_value()) << "of an older agent";
  for (const bool begun : {false, true}) {
    set_claim(made, {.pod = "web-def", .uid = "u2", .node = "n2", .begun = begun});
    EXPECT_EQ(again(made).claimed_by->begun, begun);
  }
}

TEST(CheckpointObject, OneClaims) {
  CheckpointObject made = promised();
  set_claim(made, {.pod = "web-def", .uid = "u2", .node = "n2"});
  EXPECT_TRUE(may_claim(made, pod_of("u2")));
  EXPECT_FALSE(may_claim(made, pod_of("u3")));
}

TEST(CheckpointObject, AClaimCanBeLetGo) {
  CheckpointObject made = promised();
  set_claim(made, {.pod = "web-def", .uid = "u2", .node = "n2"});
  EXPECT_FALSE(is_claimed_by_predecessor(made, pod_of("u3"))) << "replicas are alike";
  made.lineage.slot = "web-0";
  PodFacts next = pod_of("u3");
  next.lineage->slot = "web-0";
  EXPECT_TRUE(is_claimed_by_predecessor(made, next));
  next.uid = "u2";
  EXPECT_FALSE(is_claimed_by_predecessor(made, next)) << "its own";
  drop_claim(made);
  EXPECT_FALSE(again(made).claimed_by);
  EXPECT_TRUE(may_claim(again(made), pod_of("u3")));
}

TEST(CheckpointObject, IsConsumedWhenAllContainersWentOn) {
  CheckpointObject made = promised();
  set_container(made, {.name = "app", .checkpoint = base::CheckpointId("k1")});
  set_container(made, {.name = "side", .checkpoint = base::CheckpointId("k2")});
  set_phase(made, Phase::kClaimable, "");
  EXPECT_FALSE(set_resumed(made, "app", base::CheckpointId("k2")));
  EXPECT_TRUE(set_resumed(made, "app", base::CheckpointId("k1")));
  EXPECT_FALSE(set_resumed(made, "app", base::CheckpointId("k1"))) << "it is known";
  EXPECT_EQ(made.phase, Phase::kClaimable);
  EXPECT_TRUE(set_resumed(made, "side", base::CheckpointId("k2")));
  EXPECT_EQ(made.phase, Phase::kConsumed);
}

TEST(CheckpointObject, NobodyClaimsWhatIsOver) {
  for (const Phase phase : {Phase::kWithdrawn, Phase::kConsumed}) {
    CheckpointObject made = promised();
    set_phase(made, phase, "");
    EXPECT_FALSE(may_claim(made, pod_of("u2")));
  }
}

// A pod of the same place that began anew has newer files than what was saved before.
TEST(CheckpointObject, IsStaleWhenAnotherRunsInItsPlace) {
  const auto in_slot = [](PodFacts pod) {
    pod.lineage->slot = "web-0";
    return pod;
  };
  json object = new_checkpoint(in_slot(pod_of("u1")), {"app"}, "x");
  object["metadata"]["uid"] = "c1";
  CheckpointObject made = read_checkpoint(object).value();
  EXPECT_TRUE(is_stale_beside(made, in_slot(pod_of("u2"))));
  EXPECT_FALSE(is_stale_beside(made, in_slot(pod_of("u1")))) << "its own pod";
  PodFacts waiting = in_slot(pod_of("u2"));
  waiting.running.clear();
  EXPECT_FALSE(is_stale_beside(made, waiting)) << "it may be about to claim it";
  set_claim(made, {.pod = "web-0", .uid = "u2", .node = "n1"});
  EXPECT_FALSE(is_stale_beside(made, in_slot(pod_of("u2"))));
  EXPECT_FALSE(is_stale_beside(promised(), pod_of("u2"))) << "replicas are alike";
}

// Whatever became of it: what is older than the newest of a place is older than what ran there.
TEST(CheckpointObject, OnlyTheNewestOfAPlaceCounts) {
  const auto of = [](const char* uid, const char* slot, const char* when) {
    PodFacts pod = pod_of(uid);
    pod.lineage->slot = slot;
    json object = new_checkpoint(pod, {"app"}, "x");
    object["metadata"]["uid"] = std::string("c-") + uid;
    object["metadata"]["creationTimestamp"] = when;
    return read_checkpoint(object).value();
  };
  const auto left_for = [&](const char* slot) {
    std::vector<CheckpointObject> all = {
        of("u1", "web-0", "2026-11-30T10:00:00Z"), of("u2", "web-0", "2026-11-30T11:00:00Z"),
        of("u3", "web-1", "2026-11-30T09:00:00Z"), of("u4", "", "2026-11-30T08:00:00Z")};
    set_phase(all[1], Phase::kWithdrawn, "");
    PodFacts pod = pod_of("u9");
    pod.lineage->slot = slot;
    keep_newest_of_place(all, pod);
    std::vector<std::string> uids;
    for (const CheckpointObject& one : all) uids.push_back(one.pod_uid);
    return uids;
  };
  EXPECT_EQ(left_for("web-0"), (std::vector<std::string>{"u2", "u3", "u4"}));
  EXPECT_EQ(left_for("web-1").size(), 4U);
  EXPECT_EQ(left_for("").size(), 4U) << "replicas are alike";
}

TEST(CheckpointObject, OddObjectsAreNone) {
  EXPECT_FALSE(read_checkpoint(json::parse("[]")));
  EXPECT_FALSE(read_checkpoint(json::parse(R"({"metadata": {"name": "x"}})")));
  json later = promised().object;
  later["status"]["phase"] = "Moving";
  EXPECT_FALSE(read_checkpoint(later)) << "a phase of a later version is not ours to change";
  json odd = promised().object;
  odd["status"] = {{"containers", {1, {{"name", "app"}, {"checkpoint", "../x"}, {"bytes", "7"}}}},
                   {"claimedBy", "me"}};
  const auto read = read_checkpoint(odd);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->find("app")->checkpoint.empty());
  EXPECT_FALSE(read->claimed_by);
}

}  // namespace
}  // namespace reprise::daemon
