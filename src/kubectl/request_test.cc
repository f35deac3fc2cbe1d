// SPDX-License-Identifier: Apache-2.0
#include "kubectl/request.h"

#include <gtest/gtest.h>

namespace reprise::kubectl {
namespace {

using nlohmann::json;

TEST(RequestTest, IsOfOnePodAndGoesWithIt) {
  const json made = new_request(json::parse(R"({"metadata": {"name": "db-0", "uid": "u"}})"));
  EXPECT_EQ(made["metadata"]["generateName"], "db-0-");
  EXPECT_EQ(made["metadata"]["ownerReferences"][0]["uid"], "u");
  EXPECT_EQ(made["spec"].dump(), R"({"pod":"db-0","podUID":"u"})");
}

TEST(RequestTest, WhatIsTold) {
  json request = json::parse(R"({"metadata": {"name": "db-0-x"},
                                 "spec": {"pod": "db-0", "podUID": "u"}})");
  EXPECT_FALSE(state_of(request).is_taken);
  request["status"] = json::parse(R"({"phase": "Running", "node": "n1", "message": "dump"})");
  EXPECT_TRUE(state_of(request).is_taken);
  EXPECT_FALSE(state_of(request).is_over);
  EXPECT_EQ(state_of(request).message, "dump");
  request["status"] = json::parse(R"({"phase": "Failed", "node": "n1", "message": "no way",
    "containers": [{"name": "main", "checkpoint": "c1", "bytes": 2000, "freezeMilliseconds": 90},
                   {"name": "side", "failed": "no room"}]})");
  EXPECT_TRUE(state_of(request).is_over);
  EXPECT_FALSE(state_of(request).is_done);
  EXPECT_EQ(request_to_text(request),
            "pod 'db-0', container 'main': checkpoint c1 on node 'n1' (2.0 kB, frozen 90 ms); it "
            "runs on\npod 'db-0', container 'side': not saved, it runs on: no room\n");
  EXPECT_EQ(request_to_json(request).dump(),
            R"({"request":"db-0-x","pod":"db-0","pod_uid":"u","node":"n1","phase":"Failed",)"
            R"("message":"no way","containers":[{"name":"main","checkpoint":"c1","bytes":2000,)"
            R"("freeze_ms":90,"failed":""},{"name":"side","checkpoint":"","bytes":0,)"
            R"("freeze_ms":0,"failed":"no room"}]})");
  request["status"].erase("containers");
  EXPECT_EQ(request_to_text(request), "pod 'db-0' was not saved: no way\n");
}

}  // namespace
}  // namespace reprise::kubectl
