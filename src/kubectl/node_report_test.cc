// SPDX-License-Identifier: Apache-2.0
#include "kubectl/node_report.h"

#include <gtest/gtest.h>

namespace reprise::kubectl {
namespace {

using nlohmann::json;

json node() {
  return json::parse(R"({"metadata": {"name": "n1", "labels": {"disk": "ssd"}},
    "status": {"conditions": [{"type": "Ready", "status": "True"},
                              {"type": "DiskPressure", "status": "False"}],
               "runtimeHandlers": [{"name": ""}, {"name": "reprise"}]}})");
}

NodeSurroundings around_node() {
  return {
      .agents = std::vector{json::parse(R"({"metadata": {"name": "reprise-agent-x"},
            "spec": {"nodeName": "n1"},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}})")},
      .runtime_classes =
          std::vector{json::parse(R"({"metadata": {"name": "reprise"}, "handler": "reprise"})")},
      .pods = std::vector<json>{},
      .checkpoints = std::vector<json>{}};
}

std::string of_weight(const NodeReport& report, Remark::Weight weight) {
  std::string all;
  for (const Remark& one : report.remarks)
    if (one.weight == weight) all += one.text + "\n";
  return all;
}

TEST(NodeReportTest, OneThatWorks) {
  const NodeReport report = report_on_node(node(), around_node());
  EXPECT_EQ(report.works, Verdict::kYes);
  EXPECT_EQ(of_weight(report, Remark::Weight::kMind), "");
}

TEST(NodeReportTest, WhatPreventsIt) {
  json other = node();
  other["status"]["runtimeHandlers"] = json::parse(R"([{"name": ""}])");
  other["status"]["conditions"][0]["status"] = "Unknown";
  NodeSurroundings without = around_node();
  without.agents->clear();
  without.runtime_classes->clear();
  const NodeReport report = report_on_node(other, without);
  EXPECT_EQ(report.works, Verdict::kNo);
  EXPECT_EQ(of_weight(report, Remark::Weight::kPrevents),
            "the node is not ready\n"
            "no agent is on node 'n1'\n"
            "its container runtime does not have handler 'reprise'\n"
            "no runtime class has handler 'reprise'\n");
}

// Unknown is not "no", and not "yes".
TEST(NodeReportTest, WhatNobodyTells) {
  json other = node();
  other["status"].erase("runtimeHandlers");
  const NodeReport report = report_on_node(other, {});
  EXPECT_EQ(report.works, Verdict::kUnknown);
  EXPECT_EQ(verdict_text(report),
            "Whether pods are saved here, and go on here, is not known: nobody tells of the "
            "node's agent, the runtime classes.");
  EXPECT_EQ(report_on_node(other, around_node()).works, Verdict::kYes);
  EXPECT_NE(of_weight(report, Remark::Weight::kMind).find("is not known"), std::string::npos);
}

TEST(NodeReportTest, WhatIsToBeMinded) {
  json other = node();
  other["spec"]["unschedulable"] = true;
  other["status"]["conditions"][1]["status"] = "True";
  NodeSurroundings much = around_node();
  (*much.runtime_classes)[0]["scheduling"] = {{"nodeSelector", {{"disk", "nvme"}}}};
  much.pods->push_back(json::parse(R"({"metadata": {"name": "web", "namespace": "x", "uid": "u",
    "annotations": {"reprise.dev/on-disruption": "checkpoint"}}, "spec": {"nodeName": "n1"}})"));
  much.checkpoints->push_back(json::parse(R"({"metadata": {"name": "db-0-1", "namespace": "x"},
    "spec": {"node": "n1"}, "status": {"phase": "Claimable"}})"));
  const std::string minded = of_weight(report_on_node(other, much), Remark::Weight::kMind);
  for (const char* words :
       {"cordoned", "DiskPressure", "not scheduled to this node", "name no runtime class: 'x/web'",
        "nobody has gone on from it yet: "
        "'x/db-0-1'"})
    EXPECT_NE(minded.find(words), std::string::npos) << words << " in " << minded;
}

}  // namespace
}  // namespace reprise::kubectl
