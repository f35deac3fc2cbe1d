// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_past.h"

#include <gtest/gtest.h>

namespace reprise::kubectl {
namespace {

using nlohmann::json;

TEST(PodPastTest, HowLivesAreTold) {
  const auto life = life_of(json::parse(R"({
    "metadata": {"name": "web-1-2", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"pod": "web-1", "podUID": "u", "node": "n1", "reason": "EvictionByEvictionAPI",
             "owner": {"kind": "ReplicaSet", "name": "web-5d4"}},
    "status": {"phase": "Consumed", "claimedBy": {"pod": "web-2", "podUID": "v", "node": "n2"},
               "containers": [{"name": "main", "checkpoint": "c1", "bytes": 7}]}})"));
  EXPECT_EQ(life.dump(),
            R"({"checkpoint":"web-1-2","created":"2026-01-01T00:00:00Z","pod":"web-1",)"
            R"("pod_uid":"u","node":"n1","reason":"EvictionByEvictionAPI","phase":"Consumed",)"
            R"("message":"","containers":[{"name":"main","checkpoint":"c1","bytes":7,)"
            R"("failed":""}],"claimed_by":{"pod":"web-2","pod_uid":"v","node":"n2"}})");
}

}  // namespace
}  // namespace reprise::kubectl
