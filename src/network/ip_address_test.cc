// SPDX-License-Identifier: Apache-2.0
#include "network/ip_address.h"

#include <gtest/gtest.h>

namespace reprise::network {
namespace {

TEST(IpAddress, IsWrittenInOneWay) {
  EXPECT_EQ(canonical_address("10.88.0.5"), "10.88.0.5");
  EXPECT_EQ(canonical_address("FD00:0:0::5"), "fd00::5");
  EXPECT_EQ(canonical_address("::ffff:10.88.0.5"), "10.88.0.5");
  for (const char* none : {"", "*", "fe80::1%eth0", "10.88.0.5/16", "10.88.0", "::1; flush"})
    EXPECT_EQ(canonical_address(none), std::nullopt) << none;
}

TEST(IpAddress, IsTakenApart) {
  EXPECT_EQ(split_address("10.88.0.5/16"), (InterfaceAddress{"10.88.0.5", ""}));
  EXPECT_EQ(split_address("fd00::5"), (InterfaceAddress{"fd00::5", ""}));
  EXPECT_EQ(split_address("fe80::5%eth0/64"), (InterfaceAddress{"fe80::5", "eth0"}));
}

// ss read fd00:203::2 as an address and a port, so no container on a network with IPv6 was
// checkpointed a second time.
TEST(IpAddress, HasBracketsWhereAPortMayFollow) {
  EXPECT_EQ(bracketed("10.88.0.5"), "10.88.0.5");
  EXPECT_EQ(bracketed("fd00:203::2"), "[fd00:203::2]");
  EXPECT_EQ(as_host("10.88.0.5"), "10.88.0.5/32");
  EXPECT_EQ(as_host("fd00::5"), "fd00::5/128");
}

}  // namespace
}  // namespace reprise::network
