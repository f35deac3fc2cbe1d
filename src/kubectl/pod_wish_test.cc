// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_wish.h"

#include <gtest/gtest.h>

namespace reprise::kubectl {
namespace {

using nlohmann::json;

json running_pod() {
  return json::parse(R"({
    "metadata": {"name": "db-0", "namespace": "x", "uid": "u1",
                 "creationTimestamp": "2026-01-01T10:00:00Z"},
    "status": {"containerStatuses": [
      {"name": "two", "state": {"running": {"startedAt": "2026-01-01T10:00:05Z"}}},
      {"name": "main", "state": {"running": {"startedAt": "2026-01-01T10:00:03Z"}}}]}})");
}

json policy_of(const char* created) {
  json policy = json::parse(R"({"metadata": {"name": "all", "uid": "p", "generation": 1},
    "spec": {"onDisruption": "Checkpoint"}})");
  policy["metadata"]["creationTimestamp"] = created;
  return policy;
}

// What is said of the pod beside that a policy selects it.
Remarks said_of(const json& pod, const std::vector<json>& policies) {
  Remarks say;
  auto facts = daemon::pod_facts(pod);
  say_policies(say, *facts, pod, policies);
  return say;
}

TEST(PodWishTest, APolicyThatCameAfterThePod) {
  EXPECT_EQ(made_at(running_pod()), "2026-01-01T10:00:03Z");
  const json early = policy_of("2026-01-01T10:00:03Z"), late = policy_of("2026-01-01T10:00:04Z");
  EXPECT_FALSE(said_of(running_pod(), {early}).is_prevented());
  Remarks say = said_of(running_pod(), {late});
  EXPECT_TRUE(say.is_prevented());
  const auto remarks = say.take();
  EXPECT_EQ(remarks.back().text,
            "it was made before policy 'all', which counts for later pods only");
  EXPECT_TRUE(remarks.back().remedy.starts_with("make it anew"));
  // The agent is asked at its end, and knows the newer one by then.
  EXPECT_FALSE(said_of(running_pod(), {late, early}).is_prevented());
  json other = running_pod();
  other["metadata"]["annotations"] = {{"reprise.dev/on-delete", "checkpoint"}};
  EXPECT_FALSE(said_of(other, {late}).is_prevented());
  // Its containers are still to be made.
  other = running_pod();
  other.erase("status");
  EXPECT_FALSE(said_of(other, {late}).is_prevented());
}

TEST(PodWishTest, APolicyThatWasChangedSince) {
  json policy = policy_of("2026-01-01T09:00:00Z");
  policy["metadata"]["generation"] = 2;
  policy["metadata"]["managedFields"] = json::parse(R"([{"time": "2026-01-01T09:30:00Z"}])");
  EXPECT_EQ(said_of(running_pod(), {policy}).unknowns(), "");
  policy["metadata"]["managedFields"][0]["time"] = "2026-01-01T10:30:00Z";
  const Remarks say = said_of(running_pod(), {policy});
  EXPECT_FALSE(say.is_prevented());
  EXPECT_EQ(say.unknowns(), "the policy of that time");
}

// What is said of a pod of a Deployment, annotated at this time, beside such a template.
Remarks annotated(const char* at, const json& pod_template, const std::vector<json>& policies,
                  bool is_by_hand) {
  json pod = running_pod();
  pod["metadata"]["annotations"] = {{"reprise.dev/on-disruption", "checkpoint"}};
  pod["metadata"]["ownerReferences"] = json::parse(R"([{"apiVersion": "apps/v1",
    "kind": "ReplicaSet", "name": "web-5d4", "uid": "r", "controller": true}])");
  pod["metadata"]["managedFields"] = json::parse(R"([{"fieldsV1": {"f:metadata":
    {"f:annotations": {"f:reprise.dev/on-disruption": {}}}}}])");
  pod["metadata"]["managedFields"][0]["time"] = at;
  json controller = json::parse(R"({"metadata": {"ownerReferences": [
    {"kind": "Deployment", "name": "web"}]}, "spec": {}})");
  controller["spec"]["template"] = pod_template;
  Remarks say;
  EXPECT_EQ(say_by_hand(say, *daemon::pod_facts(pod), pod, controller, policies), is_by_hand);
  return say;
}

TEST(PodWishTest, AnAnnotationOfTheRunningPodOnly) {
  const json plain = json::object();
  const json with =
      json::parse(R"({"metadata": {"annotations": {"reprise.dev/on-disruption": "checkpoint"}}})");
  Remarks say = annotated("2026-01-01T11:00:00Z", plain, {}, true);
  EXPECT_EQ(say.unknowns(), "when it was annotated");
  const auto remarks = say.take();
  EXPECT_TRUE(remarks.front().text.contains("not in the template of Deployment 'web'"));
  EXPECT_TRUE(remarks.front().text.contains("made before it do not heed it"));
  EXPECT_TRUE(remarks.front().remedy.starts_with("annotate the template of Deployment 'web'"));
  // By whoever admits pods, or before it began.
  say = annotated("2026-01-01T10:00:00Z", plain, {}, true);
  EXPECT_EQ(say.unknowns(), "");
  EXPECT_EQ(say.take().size(), 1U);
  EXPECT_TRUE(annotated("2026-01-01T11:00:00Z", with, {}, false).take().empty());
  const json policy = policy_of("2026-01-01T09:00:00Z");
  EXPECT_TRUE(annotated("2026-01-01T11:00:00Z", plain, {policy}, false).take().empty());
}

TEST(PodWishTest, AnAnnotationOfARunningPodThatNobodyMakesAnew) {
  json pod = running_pod();
  pod["metadata"]["annotations"] = {{"reprise.dev/on-delete", "checkpoint"}};
  pod["metadata"]["managedFields"] = json::parse(R"([{"time": "2026-01-01T11:00:00Z",
    "fieldsV1": {"f:metadata": {"f:annotations": {"f:reprise.dev/on-delete": {}}}}}])");
  const auto unknowns = [&] {
    Remarks say;
    EXPECT_FALSE(say_by_hand(say, *daemon::pod_facts(pod), pod, std::nullopt, {}));
    return say.unknowns();
  };
  EXPECT_EQ(unknowns(), "when it was annotated");
  pod["metadata"]["managedFields"][0]["time"] = "2026-01-01T10:00:00Z";
  EXPECT_EQ(unknowns(), "");
}

}  // namespace
}  // namespace reprise::kubectl
