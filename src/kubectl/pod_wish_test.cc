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

}  // namespace
}  // namespace reprise::kubectl
