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

TEST(PodPastTest, InColumns) {
  const auto life = [](const char* pod, const char* phase, const char* status) {
    return json::parse(std::string(R"({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"pod": ")") +
                       pod + R"(", "node": "n1"}, "status": {"phase": ")" + phase + "\"" + status +
                       "}}");
  };
  EXPECT_EQ(told_lives({}), "");
  EXPECT_EQ(told_lives({life("web-1", "Consumed", R"(, "claimedBy": {"pod": "w", "node": "n2"})"),
                        life("web-10", "Withdrawn", R"(, "message": "why")")}),
            "2026-01-01T00:00:00Z  web-1 on n1   Consumed   -> w on n2\n"
            "2026-01-01T00:00:00Z  web-10 on n1  Withdrawn              why\n");
  EXPECT_EQ(told_lives({life("web-1", "Promised", "")}),
            "2026-01-01T00:00:00Z  web-1 on n1  Promised\n")
      << "without empty columns";
}

}  // namespace
}  // namespace reprise::kubectl
