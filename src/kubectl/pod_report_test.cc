// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_report.h"

#include <gtest/gtest.h>

#include "kubectl/pod_past.h"

namespace reprise::kubectl {
namespace {

using nlohmann::json;

json pod() {
  return json::parse(R"({
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "db-0", "namespace": "x", "uid": "u1",
      "annotations": {"reprise.dev/on-disruption": "checkpoint"},
      "labels": {"controller-revision-hash": "h"},
      "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db",
                           "uid": "o", "controller": true}]},
    "spec": {"nodeName": "n1", "runtimeClassName": "reprise",
             "containers": [{"name": "main"}]},
    "status": {"phase": "Running"}})");
}

Surroundings around() {
  return {.controller = std::nullopt,
          .agents = std::vector{json::parse(R"({"metadata": {"name": "reprise-agent-x"},
            "spec": {"nodeName": "n1"},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}})")},
          .checkpoints = std::vector<json>{}};
}

std::string texts(const PodReport& report, Remark::Weight weight) {
  std::string all;
  for (const Remark& one : report.remarks)
    if (one.weight == weight) all += one.text + "\n";
  return all;
}

std::string prevented_by(const PodReport& report) {
  EXPECT_EQ(report.saved_on_disruption, Verdict::kNo);
  return texts(report, Remark::Weight::kPrevents);
}

TEST(PodReportTest, OneThatIsSavedAndGoesOn) {
  const PodReport report = report_on(pod(), around());
  EXPECT_EQ(report.saved_on_disruption, Verdict::kYes);
  EXPECT_EQ(report.saved_on_delete, Verdict::kNo);
  EXPECT_EQ(texts(report, Remark::Weight::kPrevents), "");
  EXPECT_EQ(texts(report, Remark::Weight::kMind), "");
  EXPECT_NE(texts(report, Remark::Weight::kFine).find("StatefulSet 'db' in place 'db-0'"),
            std::string::npos);
}

TEST(PodReportTest, WhatPreventsIt) {
  json other = pod();
  other["spec"].erase("runtimeClassName");
  EXPECT_EQ(prevented_by(report_on(other, around())),
            "it does not run under Reprise: it names no runtime class\n");
  other = pod();
  other["metadata"].erase("annotations");
  EXPECT_EQ(prevented_by(report_on(other, around())),
            "no annotation and no policy asks for a checkpoint\n");
  Surroundings without = around();
  without.agents->clear();
  EXPECT_EQ(prevented_by(report_on(pod(), without)), "no agent is on node 'n1'\n");
  without = around();
  (*without.agents)[0]["status"]["conditions"][0]["status"] = "False";
  EXPECT_EQ(prevented_by(report_on(pod(), without)), "the agent of node 'n1' is not ready\n");
  EXPECT_EQ(prevented_by(report_on(json::parse("[]"), around())), "this is no pod\n");
}

// Who may not look at the agents still learns the rest; unknown is not "no", and not "yes".
TEST(PodReportTest, AnAgentThatNobodyLetsUsSee) {
  Surroundings nothing;
  nothing.policies.reset();
  PodReport report = report_on(pod(), nothing);
  EXPECT_EQ(report.saved_on_disruption, Verdict::kUnknown);
  EXPECT_FALSE(report.is_saved());
  EXPECT_EQ(verdict_text(report),
            "When it is drained, evicted or preempted whether it is saved is not known; when it is "
            "deleted whether it is saved is not known: nobody tells of the node's agent, the "
            "policies.");
  json other = pod();
  other["metadata"].erase("annotations");
  report = report_on(other, nothing);
  EXPECT_EQ(texts(report, Remark::Weight::kPrevents), "");
  EXPECT_EQ(report.saved_on_disruption, Verdict::kUnknown);
  other["spec"]["runtimeClassName"] = "saved";
  nothing.is_class_hidden = true;
  EXPECT_EQ(texts(report_on(other, nothing), Remark::Weight::kPrevents), "");
  // What an annotation asks for does not depend on policies.
  Surroundings agents = around();
  agents.policies.reset();
  report = report_on(pod(), agents);
  EXPECT_EQ(report.saved_on_disruption, Verdict::kYes);
  EXPECT_EQ(report.saved_on_delete, Verdict::kUnknown);
  report = report_on(pod(), nothing);
  EXPECT_NE(texts(report, Remark::Weight::kMind).find("is not known"), std::string::npos);
}

TEST(PodReportTest, WhatIsToBeMinded) {
  json other = pod();
  other["spec"]["containers"].push_back(
      json::parse(R"({"name": "two", "lifecycle": {"preStop": {}, "postStart": {}}})"));
  other["spec"]["initContainers"] =
      json::parse(R"([{"name": "init"}, {"name": "side", "restartPolicy": "Always"}])");
  other["metadata"]["ownerReferences"][0]["kind"] = "Job";
  other["metadata"]["ownerReferences"][0]["apiVersion"] = "batch/v1";
  Surroundings job = around();
  job.controller = json::parse(R"({"spec": {}})");
  const std::string minded = texts(report_on(other, job), Remark::Weight::kMind);
  for (const char* words : {"preStop of container 'two'", "postStart of container 'two'",
                            "init container 'init'", "each at a moment", "counts the saved pod"})
    EXPECT_NE(minded.find(words), std::string::npos) << words << " in " << minded;
  EXPECT_EQ(minded.find("'side'"), std::string::npos);
  job.controller = json::parse(R"({"spec": {"podFailurePolicy": {"rules": [{"action": "Ignore",
    "onPodConditions": [{"type": "DisruptionTarget"}]}]}}})");
  EXPECT_EQ(texts(report_on(other, job), Remark::Weight::kMind).find("counts"), std::string::npos);
}

TEST(PodReportTest, WhatItWentOnFrom) {
  Surroundings past = around();
  past.checkpoints->push_back(json::parse(R"({
    "metadata": {"name": "db-0-1", "creationTimestamp": "2026-01-02T00:00:00Z"},
    "spec": {"pod": "db-0", "podUID": "u0"},
    "status": {"phase": "Consumed", "claimedBy": {"pod": "db-0", "podUID": "u1"}}})"));
  past.checkpoints->push_back(json::parse(R"({
    "metadata": {"name": "db-0-0", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"pod": "db-0", "podUID": "older"}, "status": {"phase": "Withdrawn"}})"));
  past.checkpoints->push_back(json::parse(R"({
    "metadata": {"name": "web-0"}, "spec": {"pod": "web", "podUID": "w"}})"));
  EXPECT_NE(texts(report_on(pod(), past), Remark::Weight::kFine)
                .find("it went on from Checkpoint 'db-0-1' of pod 'db-0'"),
            std::string::npos);
  const auto history = history_of({.kind = Subject::Kind::kPod, .name = "db-0"}, *past.checkpoints);
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0]["metadata"]["name"], "db-0-0");
}

// They were printed as if all were well.
TEST(PodReportTest, WhatItDidNotGoOnFrom) {
  Surroundings past = around();
  past.checkpoints->push_back(json::parse(R"({
    "metadata": {"name": "db-0-1"}, "spec": {"pod": "db-0", "podUID": "u0"},
    "status": {"phase": "Withdrawn", "message": "another image",
               "claimedBy": {"pod": "db-0", "podUID": "u1"}}})"));
  EXPECT_NE(texts(report_on(pod(), past), Remark::Weight::kMind)
                .find("did not go on from Checkpoint 'db-0-1' of pod 'db-0': another image"),
            std::string::npos);
  (*past.checkpoints)[0]["status"]["phase"] = "Claimable";
  EXPECT_NE(texts(report_on(pod(), past), Remark::Weight::kMind).find("has not gone on yet"),
            std::string::npos);
  (*past.checkpoints)[0]["spec"]["podUID"] = "u1";
  (*past.checkpoints)[0]["status"].erase("claimedBy");
  EXPECT_EQ(texts(report_on(pod(), past), Remark::Weight::kMind), "");
  (*past.checkpoints)[0]["status"]["phase"] = "Withdrawn";
  EXPECT_NE(texts(report_on(pod(), past), Remark::Weight::kMind).find("nobody goes on: another"),
            std::string::npos);
}

TEST(PodReportTest, AnnotationsThatTheRuntimeWouldRefuse) {
  json other = pod();
  other["metadata"]["annotations"]["reprise.dev/on-disuption"] = "checkpoint";
  EXPECT_NE(prevented_by(report_on(other, around())).find("'reprise.dev/on-disuption'"),
            std::string::npos);
  other = pod();
  other["metadata"]["annotations"]["reprise.dev/on-delete"] = "yes";
  EXPECT_NE(prevented_by(report_on(other, around())).find("unknown value 'yes'"),
            std::string::npos);
  other = pod();
  other["metadata"]["annotations"]["reprise.dev/on-stop"] = "checkpoint";
  EXPECT_NE(prevented_by(report_on(other, around())).find("is not for pods"), std::string::npos);
}

TEST(PodReportTest, LimitsAndVolumesThatAreNotWhatTheySeem) {
  json other = pod();
  other["metadata"]["annotations"]["reprise.dev/freeze-limit"] = "300";
  other["spec"]["volumes"] = json::parse(R"([{"name": "data", "hostPath": {"path": "/srv"}},
                                             {"name": "tmp", "emptyDir": {}}])");
  const PodReport report = report_on(other, around());
  EXPECT_EQ(report.saved_on_disruption, Verdict::kYes);
  const std::string minded = texts(report, Remark::Weight::kMind);
  EXPECT_NE(minded.find("freeze limit of 300 s counts as 75 s"), std::string::npos) << minded;
  EXPECT_NE(minded.find("volume 'data' is the node's '/srv'"), std::string::npos) << minded;
  EXPECT_EQ(minded.find("'tmp'"), std::string::npos) << minded;
  other["metadata"]["annotations"]["reprise.dev/freeze-limit"] = "30";
  EXPECT_EQ(texts(report_on(other, around()), Remark::Weight::kMind).find("freeze"),
            std::string::npos);
}

TEST(PodReportTest, AnotherRuntimeClassWithOurHandler) {
  json other = pod();
  other["spec"]["runtimeClassName"] = "saved";
  EXPECT_EQ(prevented_by(report_on(other, around())),
            "it does not run under Reprise: its runtime class is 'saved'\n");
  Surroundings with = around();
  with.runtime_class = json::parse(R"({"handler": "reprise"})");
  EXPECT_EQ(report_on(other, with).saved_on_disruption, Verdict::kYes);
}

TEST(PodReportTest, APolicySpeaksForIt) {
  json other = pod();
  other["metadata"].erase("annotations");
  Surroundings with = around();
  with.policies->push_back(json::parse(R"({"metadata": {"name": "all", "uid": "p"},
    "spec": {"selector": {"namespaces": ["x"]}, "onDisruption": "Checkpoint"}})"));
  EXPECT_EQ(report_on(other, with).saved_on_disruption, Verdict::kYes);
  EXPECT_NE(texts(report_on(other, with), Remark::Weight::kFine).find("policy 'all' selects it"),
            std::string::npos);
  other["metadata"]["annotations"]["reprise.dev/on-disruption"] = "signal";
  EXPECT_EQ(report_on(other, with).saved_on_disruption, Verdict::kNo);
  with.policies.reset();
  other["metadata"].erase("annotations");
  EXPECT_NE(texts(report_on(other, with), Remark::Weight::kMind).find("whether a policy"),
            std::string::npos);
}

TEST(PodReportTest, WhatIsOverIsNotPromised) {
  json other = pod();
  other["status"]["phase"] = "Succeeded";
  PodReport report = report_on(other, around());
  EXPECT_FALSE(report.is_saved());
  EXPECT_TRUE(verdict_text(report).contains("it has ended")) << verdict_text(report);
  EXPECT_EQ(texts(report, Remark::Weight::kFine), "");
  other = pod();
  other["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  report = report_on(other, around());
  EXPECT_FALSE(report.is_saved());
  EXPECT_TRUE(verdict_text(report).contains("being ended already")) << verdict_text(report);
}

TEST(PodReportTest, WhoGoesOnDependsOnTheVerdict) {
  Surroundings without = around();
  without.agents->clear();
  EXPECT_FALSE(texts(report_on(pod(), without), Remark::Weight::kFine).contains("goes on"));
  without.agents.reset();
  EXPECT_TRUE(
      texts(report_on(pod(), without), Remark::Weight::kFine).contains("if it is saved, it goes"));
  json other = pod();
  other["metadata"].erase("ownerReferences");
  PodReport report = report_on(other, around());
  EXPECT_TRUE(prevented_by(report).contains("nobody makes this pod anew"));
  EXPECT_TRUE(report.remarks.back().remedy.contains("reprise.dev/on-delete: checkpoint"));
  other["metadata"]["annotations"]["reprise.dev/on-delete"] = "checkpoint";
  report = report_on(other, around());
  EXPECT_EQ(report.saved_on_disruption, Verdict::kYes);
  EXPECT_EQ(texts(report, Remark::Weight::kPrevents), "");
}

TEST(PodReportTest, AJobThatMakesNoOther) {
  json other = pod();
  other["metadata"]["ownerReferences"][0]["kind"] = "Job";
  other["metadata"]["ownerReferences"][0]["apiVersion"] = "batch/v1";
  Surroundings job = around();
  job.controller = json::parse(R"({"spec": {"backoffLimit": 0}})");
  const PodReport report = report_on(other, job);
  EXPECT_TRUE(texts(report, Remark::Weight::kPrevents).contains("backoffLimit is 0"));
  EXPECT_FALSE(report.is_saved());
  EXPECT_TRUE(verdict_text(report).contains("it is saved, but nobody goes on from it"));
}

TEST(PodReportTest, WhatFailedBefore) {
  Surroundings past = around();
  past.checkpoints->push_back(json::parse(R"({
    "metadata": {"name": "db-0-1", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"pod": "db-0", "podUID": "u0", "slot": "db-0",
             "owner": {"kind": "StatefulSet", "name": "db"}},
    "status": {"phase": "Withdrawn", "message": "container 'main': no room",
               "containers": [{"name": "main", "failed": "no room"}]}})"));
  past.requests = std::vector{
      json::parse(R"({"metadata": {"name": "r1", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"pod": "db-0", "podUID": "u1"}, "status": {"phase": "Done"}})"),
      json::parse(R"({"metadata": {"name": "r2", "creationTimestamp": "2026-01-02T00:00:00Z"},
        "spec": {"pod": "db-0", "podUID": "u1"}, "status": {"phase": "Failed",
        "message": "not saved", "containers": [{"name": "main", "failed": "huge pages"}]}})")};
  EXPECT_EQ(texts(report_on(pod(), past), Remark::Weight::kMind),
            "pod 'db-0' before it was not saved (Checkpoint 'db-0-1'): container 'main': no room\n"
            "the last checkpoint that was asked for failed (CheckpointRequest 'r2'): not saved; "
            "container 'main': huge pages\n");
  (*past.requests)[0]["metadata"]["creationTimestamp"] = "2026-01-03T00:00:00Z";
  (*past.checkpoints)[0]["spec"]["slot"] = "db-1";
  EXPECT_EQ(texts(report_on(pod(), past), Remark::Weight::kMind), "");
}

}  // namespace
}  // namespace reprise::kubectl
