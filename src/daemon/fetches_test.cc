// SPDX-License-Identifier: Apache-2.0
#include "daemon/fetches.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace reprise::daemon {
namespace {

TEST(SourceAddress, IsOneOfItsNode) {
  const nlohmann::json node{{"status",
                             {{"addresses",
                               {{{"type", "Hostname"}, {"address", "n1"}},
                                {{"type", "ExternalIP"}, {"address", "203.0.113.9"}},
                                {{"type", "InternalIP"}, {"address", "10.0.0.1"}},
                                {{"type", "InternalIP"}, {"address", "fd00::1"}}}}}}};
  EXPECT_TRUE(is_address_of(node, "10.0.0.1:7434", 7434));
  EXPECT_TRUE(is_address_of(node, "[fd00::1]:7434", 7434));
  for (const char* other :
       {"10.0.0.2:7434", "10.0.0.1:22", "n1:7434", "203.0.113.9:7434", "169.254.169.254:80",
        "10.0.0.1", "10.0.0.1:7434/x", "x@10.0.0.1:7434", ""})
    EXPECT_FALSE(is_address_of(node, other, 7434)) << other;
  EXPECT_FALSE(is_address_of(nlohmann::json::object(), "10.0.0.1:7434", 7434));
}

}  // namespace
}  // namespace reprise::daemon
