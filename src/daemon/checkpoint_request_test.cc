// SPDX-License-Identifier: Apache-2.0
#include "daemon/checkpoint_request.h"

#include <gtest/gtest.h>

namespace reprise::daemon {
namespace {

using nlohmann::json;

json request() {
  return json::parse(R"({"metadata": {"name": "db-0-x", "namespace": "shop", "uid": "r"},
                         "spec": {"pod": "db-0", "podUID": "u", "later": 1}})");
}

TEST(CheckpointRequestTest, IsRead) {
  const auto found = read_request(request());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->full_name(), "shop/db-0-x");
  EXPECT_EQ(found->path(), "/apis/reprise.dev/v1alpha1/namespaces/shop/checkpointrequests/db-0-x");
  EXPECT_EQ(found->phase, RequestPhase::kPending);
  EXPECT_FALSE(found->is_over());
  json other = request();
  other["status"]["phase"] = "Done";
  EXPECT_TRUE(read_request(other)->is_over());
  other["status"]["phase"] = "Dreaming";  // of a later version, which will deal with it
  EXPECT_FALSE(read_request(other));
  other = request();
  other["spec"].erase("pod");
  EXPECT_FALSE(read_request(other));
  EXPECT_FALSE(read_request(json::parse("[]")));
}

// Every agent keeps all of the cluster, and whoever may edit a namespace makes them.
TEST(CheckpointRequestTest, WhatNobodyReadsIsNotKept) {
  json large = request();
  large["metadata"]["annotations"]["x"] = std::string(200'000, 'x');
  large["metadata"]["resourceVersion"] = "7";
  large["status"]["message"] = "so far";
  const auto found = read_request(large);
  ASSERT_TRUE(found);
  EXPECT_LT(found->object.dump().size(), 1000U);
  EXPECT_EQ(found->object["metadata"]["resourceVersion"], "7");
  EXPECT_EQ(found->object["spec"]["podUID"], "u");
  EXPECT_EQ(found->object["status"]["message"], "so far");
}

TEST(CheckpointRequestTest, DoesNotStayForEver) {
  json old = request();
  old["metadata"]["creationTimestamp"] = "2026-03-09T11:00:00Z";
  old["status"] = {{"phase", "Done"}, {"node", "n1"}};
  const auto now = *base::from_iso8601("2026-03-10T12:00:00Z");
  EXPECT_TRUE(is_old(*read_request(old), "n1", now));
  EXPECT_FALSE(is_old(*read_request(old), "n2", now)) << "another agent's";
  old["status"]["phase"] = "Running";
  EXPECT_FALSE(is_old(*read_request(old), "n1", now));
  old["status"]["phase"] = "Failed";
  old["metadata"]["creationTimestamp"] = "2026-03-10T11:00:00Z";
  EXPECT_FALSE(is_old(*read_request(old), "n1", now));
}

TEST(CheckpointRequestTest, IsAnswered) {
  auto it = *read_request(request());
  set_phase(it, RequestPhase::kRunning, "container 'main': dump", "n1");
  set_containers(it, {{.name = "main", .checkpoint = "c1", .bytes = 2000, .freeze_ms = 90},
                      {.name = "side", .failed = "no room"}});
  EXPECT_EQ(it.object["status"].dump(),
            R"({"containers":[{"bytes":2000,"checkpoint":"c1","freezeMilliseconds":90,)"
            R"("name":"main"},{"failed":"no room","name":"side"}],"message":)"
            R"("container 'main': dump","node":"n1","phase":"Running","size":"2.0 kB"})");
}

}  // namespace
}  // namespace reprise::daemon
