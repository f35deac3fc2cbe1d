// SPDX-License-Identifier: Apache-2.0
#include "daemon/pod_facts.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace reprise::daemon {
namespace {

using nlohmann::json;

json pod_of(const std::string& kind) {
  json pod = json::parse(R"({
    "metadata": {
      "name": "web-1", "namespace": "shop", "uid": "u1",
      "annotations": {"reprise.dev/on-disruption": "checkpoint"},
      "labels": {"pod-template-hash": "h1"},
      "ownerReferences": [
        {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "other"},
        {"apiVersion": "APIVERSION", "kind": ")" +
                         kind + R"(", "name": "web", "uid": "o1", "controller": true}]},
    "spec": {"nodeName": "n1",
             "initContainers": [{"name": "setup"}, {"name": "side", "restartPolicy": "Always"}]},
    "status": {
      "phase": "Running",
      "containerStatuses": [{"name": "app", "state": {"running": {}}},
                            {"name": "done", "state": {"terminated": {}}}],
      "initContainerStatuses": [{"name": "setup", "state": {"terminated": {}}},
                                {"name": "side", "state": {"running": {}}}]}})");
  pod["metadata"]["ownerReferences"][1]["apiVersion"] = kind == "Job" ? "batch/v1" : "apps/v1";
  return pod;
}

json disrupted(json pod) {
  pod["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:30Z";
  pod["status"]["conditions"] = json::parse(
      R"([{"type": "Ready", "status": "True"},
          {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}])");
  return pod;
}

TEST(PodFacts, WhoItIs) {
  const auto facts = pod_facts(pod_of("ReplicaSet")).value();
  EXPECT_EQ(facts.name, "web-1");
  EXPECT_EQ(facts.name_space, "shop");
  EXPECT_EQ(facts.uid, "u1");
  EXPECT_EQ(facts.node, "n1");
  ASSERT_TRUE(facts.lineage);
  EXPECT_EQ(facts.lineage->owner.uid, "o1");
  EXPECT_EQ(facts.lineage->template_hash, "h1");
  EXPECT_EQ(facts.lineage->slot, "");
  EXPECT_EQ(facts.running, (std::vector<std::string>{"app", "side"}));
  // Its replacement's claim came to nothing, since the pod seemed to run without it.
  json prepares = pod_of("StatefulSet");
  prepares["status"]["initContainerStatuses"][0]["state"] = {{"running", json::object()}};
  prepares["status"]["containerStatuses"] = json::array();
  EXPECT_EQ(pod_facts(prepares)->running, std::vector<std::string>{"side"});
  EXPECT_EQ(facts.init_containers, std::vector<std::string>{"setup"});
  EXPECT_TRUE(facts.with_pre_stop.empty());
  json hooked = pod_of("Job");
  hooked["spec"]["containers"] = json::parse(
      R"([{"name": "app", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}},
          {"name": "other", "lifecycle": {"postStart": {}}}])");
  EXPECT_EQ(pod_facts(hooked)->with_pre_stop, std::vector<std::string>{"app"});
}

TEST(PodFacts, WhetherSomethingRanInIt) {
  EXPECT_TRUE(pod_facts(pod_of("ReplicaSet"))->has_run);
  json fresh = pod_of("ReplicaSet");
  fresh["status"] = {{"phase", "Pending"},
                     {"containerStatuses",
                      {{{"name", "app"}, {"state", {{"waiting", {{"reason", "Creating"}}}}}}}}};
  EXPECT_FALSE(pod_facts(fresh)->has_run);
  fresh["status"]["containerStatuses"][0]["lastState"] = {{"terminated", json::object()}};
  EXPECT_TRUE(pod_facts(fresh)->has_run);
}

TEST(PodFacts, WhoRatherFailsSaysSo) {
  EXPECT_FALSE(pod_facts(pod_of("ReplicaSet"))->fails_rather);
  json pod = pod_of("ReplicaSet");
  pod["metadata"]["annotations"]["reprise.dev/on-restore-failure"] = "fail";
  EXPECT_TRUE(pod_facts(pod)->fails_rather);
}

TEST(PodFacts, WhatTellsReplicasApart) {
  EXPECT_EQ(pod_facts(pod_of("StatefulSet"))->lineage->slot, "web-1");
  EXPECT_EQ(pod_facts(pod_of("DaemonSet"))->lineage->slot, "n1");
  json job = pod_of("Job");
  EXPECT_EQ(pod_facts(job)->lineage->slot, "");
  job["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] = "7";
  EXPECT_EQ(pod_facts(job)->lineage->slot, "7");
}

TEST(PodFacts, OnlyAControllerMakesItAnew) {
  json pod = pod_of("ReplicaSet");
  pod["metadata"]["ownerReferences"][1]["controller"] = false;
  EXPECT_FALSE(pod_facts(pod)->lineage);
}

// Its pods may be a master and its workers.
TEST(PodFacts, OfAnotherKindOfControllerNobodyGoesOn) {
  EXPECT_FALSE(pod_facts(pod_of("PyTorchJob"))->lineage);
  json job = pod_of("Job");
  job["metadata"]["ownerReferences"][1]["apiVersion"] = "others.example/v1";
  EXPECT_FALSE(pod_facts(job)->lineage);
}

TEST(PodFacts, ItsEnding) {
  EXPECT_TRUE(pod_facts(pod_of("Job"))->to_checkpoint().empty());
  const auto facts = pod_facts(disrupted(pod_of("Job"))).value();
  EXPECT_TRUE(facts.deleted);
  EXPECT_TRUE(facts.disruption_target);
  EXPECT_EQ(facts.disruption, "EvictionByEvictionAPI");
  EXPECT_EQ(facts.to_checkpoint(), (std::vector<std::string>{"app", "side"}));
  EXPECT_TRUE(facts.ending_of("setup").init_container);
  EXPECT_FALSE(facts.ending_of("side").init_container);
}

// One of its containers could not be made: the other was saved alone, and went on beside it.
TEST(PodFacts, WhatHasNotRunYetIsToBeSavedAsWell) {
  using Names = std::vector<std::string>;
  const auto saved = [](const std::string& statuses) {
    json pod = disrupted(pod_of("StatefulSet"));
    pod["spec"]["containers"] = json::parse(R"([{"name": "app"}, {"name": "other"}])");
    pod["status"]["containerStatuses"] = json::parse(statuses);
    pod["status"]["initContainerStatuses"][1]["state"] = json::parse(R"({"running": {}})");
    return pod_facts(pod)->to_checkpoint();
  };
  const auto beside = [&](const std::string& states) {
    return saved(R"([{"name": "app", "state": {"running": {}}}, {"name": "other", )" + states +
                 "}]");
  };
  const Names all{"app", "side", "other"};
  const Names without{"app", "side"};
  EXPECT_EQ(beside(R"("state": {"waiting": {"reason": "CreateContainerError"}})"), all);
  EXPECT_EQ(beside(R"("state": {})"), all);
  EXPECT_EQ(beside(R"("state": {"terminated": {"exitCode": 128, "reason": "StartError"}})"), all);
  EXPECT_EQ(beside(R"("state": {"waiting": {"reason": "RunContainerError"}},
                      "lastState": {"terminated": {"exitCode": 128, "reason": "StartError"}})"),
            all);
  // What ends again and again is no reason to lose the others, nor what has ended for good.
  EXPECT_EQ(beside(R"("state": {"waiting": {"reason": "CrashLoopBackOff"}},
                      "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}})"),
            without);
  EXPECT_EQ(beside(R"("state": {"terminated": {"exitCode": 0, "reason": "Completed"}})"), without);
  // Of which nothing is told yet.
  EXPECT_EQ(saved(R"([{"name": "app", "state": {"running": {}}}])"), all);
  // Nothing of it runs but a sidecar.
  EXPECT_EQ(saved("[]"), (Names{"side", "app", "other"}));
}

TEST(PodFacts, WhichContainersBelongTogether) {
  json pod = pod_of("StatefulSet");
  pod["spec"]["containers"] = json::parse(R"([{"name": "app"}, {"name": "other"}])");
  pod["spec"]["ephemeralContainers"] = json::parse(R"([{"name": "debugger"}])");
  EXPECT_EQ(pod_facts(pod)->own, (std::vector<std::string>{"app", "other", "side"}));
}

TEST(PodFacts, AConditionThatIsFalseIsNoDisruption) {
  json pod = disrupted(pod_of("Job"));
  pod["status"]["conditions"][1]["status"] = "False";
  EXPECT_FALSE(pod_facts(pod)->disruption_target);
}

TEST(PodFacts, OddObjects) {
  for (const char* text :
       {"{}", "[]", "null", R"({"metadata": []})", R"({"metadata": {"uid": 7}})"})
    EXPECT_FALSE(pod_facts(json::parse(text))) << text;
  const auto bare = pod_facts(json::parse(R"({"metadata": {"uid": "u", "ownerReferences": "x",
      "annotations": {"reprise.dev/on-disruption": 5}}, "spec": 1, "status": {"conditions": {}}})"));
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->lineage);
  EXPECT_FALSE(bare->wish.on_disruption);
}

}  // namespace
}  // namespace reprise::daemon
