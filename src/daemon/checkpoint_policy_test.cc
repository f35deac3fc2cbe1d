// SPDX-License-Identifier: Apache-2.0
#include "daemon/checkpoint_policy.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace reprise::daemon {
namespace {

using nlohmann::json;

CheckpointPolicy policy_with(const char* spec) {
  const auto read = read_policy(
      json{{"metadata", {{"name", "batch"}, {"uid", "p"}}}, {"spec", json::parse(spec)}});
  EXPECT_TRUE(read) << spec;
  return read.value_or(CheckpointPolicy());
}

PodFacts pod_facts_for() {
  return *pod_facts(json::parse(R"({
    "metadata": {"name": "sum-0", "namespace": "shop", "uid": "u",
                 "labels": {"app": "sum", "tier": "batch"}},
    "spec": {"priorityClassName": "low"}})"));
}

TEST(CheckpointPolicyTest, WhichPodsItSelects) {
  const PodFacts pod = pod_facts_for();
  for (const char* selector : {
           R"({})",
           R"({"namespaces": ["other", "shop"]})",
           R"({"priorityClasses": ["low"]})",
           R"({"labels": {"matchLabels": {"app": "sum"}}})",
           R"({"labels": {"matchExpressions": [
                 {"key": "tier", "operator": "In", "values": ["batch", "web"]},
                 {"key": "app", "operator": "Exists"},
                 {"key": "old", "operator": "DoesNotExist"},
                 {"key": "tier", "operator": "NotIn", "values": ["web"]}]}})",
       })
    EXPECT_TRUE(
        selects(policy_with((std::string(R"({"selector": )") + selector + "}").c_str()), pod))
        << selector;
  for (const char* selector : {
           R"({"namespaces": ["other"]})",
           R"({"priorityClasses": ["high"]})",
           R"({"labels": {"matchLabels": {"app": "sum", "tier": "web"}}})",
           R"({"labels": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}})",
           R"({"namespaces": ["shop"], "priorityClasses": ["high"]})",
       })
    EXPECT_FALSE(
        selects(policy_with((std::string(R"({"selector": )") + selector + "}").c_str()), pod))
        << selector;
}

TEST(CheckpointPolicyTest, WhatItSays) {
  const auto policy = policy_with(R"({"onDisruption": "Checkpoint", "onDelete": "Signal",
    "deadlineSeconds": 20, "retention": {"unclaimedSeconds": 3600}})");
  EXPECT_TRUE(policy.wish.on_disruption);
  EXPECT_FALSE(policy.wish.on_delete);
  EXPECT_EQ(policy.deadline, std::chrono::seconds(20));
  EXPECT_EQ(policy.retention.unclaimed, std::chrono::seconds(3600));
  EXPECT_EQ(policy.retention.withdrawn, std::nullopt);
}

// Better none than one that selects more than was meant.
TEST(CheckpointPolicyTest, WhatIsNotUnderstoodSelectsNothing) {
  EXPECT_FALSE(read_policy(json::parse(R"({"metadata": {"name": "x"}, "spec": {"selector":
    {"labels": {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}}}})")));
  EXPECT_FALSE(read_policy(json::parse(R"({"metadata": {"name": "x"}})")));
  EXPECT_FALSE(read_policy(json::parse("[]")));
}

TEST(CheckpointPolicyTest, SeveralTogether) {
  PodFacts pod = pod_facts_for();
  const std::vector<CheckpointPolicy> policies = {
      policy_with(R"({"onDisruption": "Checkpoint", "deadlineSeconds": 60,
                      "retention": {"unclaimedSeconds": 100, "withdrawnSeconds": 50}})"),
      policy_with(R"({"onDelete": "Checkpoint", "deadlineSeconds": 30,
                      "retention": {"unclaimedSeconds": 120, "withdrawnSeconds": 60}})"),
      policy_with(R"({"retention": {"unclaimedSeconds": 90}})"),
      policy_with(R"({"selector": {"namespaces": ["other"]}, "deadlineSeconds": 5})")};
  PolicyVerdict verdict = verdict_on(pod, policies);
  EXPECT_TRUE(verdict.wish.on_disruption && verdict.wish.on_delete);
  EXPECT_EQ(verdict.deadline, std::chrono::seconds(30));
  EXPECT_EQ(verdict.retention.unclaimed, std::chrono::seconds(120));
  EXPECT_EQ(verdict.retention.withdrawn, std::chrono::seconds(60));
  EXPECT_EQ(verdict.names.size(), 3U);
  pod.stated.on_delete = false;  // the pod itself says no
  EXPECT_FALSE(verdict_on(pod, policies).wish.on_delete);
  pod.stated.on_disruption = true;
  EXPECT_TRUE(verdict_on(pod, {}).wish.on_disruption);
}

// Another policy that wanted less had its states removed earlier than it was told.
TEST(CheckpointPolicyTest, WhoHasPodsSavedAndSaysNothingKeepsThemForTheUsualTime) {
  const PodFacts pod = pod_facts_for();
  const auto shorter = policy_with(R"({"onDisruption": "Signal",
                                       "retention": {"unclaimedSeconds": 90}})");
  const auto silent = policy_with(R"({"onDisruption": "Checkpoint"})");
  const auto longer = policy_with(R"({"retention": {"unclaimedSeconds": 1000000}})");
  EXPECT_EQ(verdict_on(pod, {shorter}).retention.unclaimed, std::chrono::seconds(90));
  EXPECT_EQ(verdict_on(pod, {shorter}).retention.withdrawn, std::nullopt);
  EXPECT_EQ(verdict_on(pod, {shorter, silent}).retention.unclaimed, kKeepUnclaimed);
  EXPECT_EQ(verdict_on(pod, {silent, shorter}).retention.withdrawn, kKeepWithdrawn);
  EXPECT_EQ(verdict_on(pod, {silent, longer}).retention.unclaimed, std::chrono::seconds(1000000));
}

}  // namespace
}  // namespace reprise::daemon
