// SPDX-License-Identifier: Apache-2.0
#include "network/sysctls.h"

#include <gtest/gtest.h>

#include "oci/spec.h"

namespace reprise::network {
namespace {

TEST(Sysctls, AreNamedAsSpecificationsNameThem) {
  EXPECT_EQ(oci::sysctl_path("net.core.somaxconn"), "net/core/somaxconn");
  EXPECT_EQ(oci::sysctl_path("net.ipv4.conf.eth0/1.forwarding"), "net/ipv4/conf/eth0.1/forwarding");
  EXPECT_EQ(oci::sysctl_path("net/ipv4/conf/eth0.1/forwarding"), "net/ipv4/conf/eth0.1/forwarding");
}

TEST(Sysctls, AreChangedIfNobodyGaveThemSo) {
  const Sysctls fresh = {{"net/core/somaxconn", "4096"},
                         {"net/ipv4/ping_group_range", "1\t0"},
                         {"net/ipv4/conf/default/arp_ignore", "0"},
                         {"net/ipv4/neigh/lo/gc_stale_time", "60"}};
  const Sysctls given = {{"net/ipv4/ping_group_range", "0 0"}, {"net/ipv4/ip_default_ttl", "9"}};
  EXPECT_EQ(changed_sysctls({{"net/core/somaxconn", "4096"},
                             {"net/ipv4/ping_group_range", "0\t0"},
                             {"net/ipv4/conf/eth0/arp_ignore", "0"},
                             {"net/ipv4/neigh/eth0/gc_stale_time", "60"},
                             {"net/ipv4/ip_default_ttl", "9"}},
                            fresh, given),
            Sysctls{});
  // Changed back to what is usual, too, since the next life begins with what is given.
  const Sysctls changed = {{"net/core/somaxconn", "333"},
                           {"net/ipv4/ping_group_range", "1\t0"},
                           {"net/ipv4/conf/eth0/arp_ignore", "1"},
                           {"net/new", ""}};
  EXPECT_EQ(changed_sysctls(changed, fresh, given), changed);
}

TEST(Sysctls, StayBelowThoseOfTheNetwork) {
  const Sysctls some = {{"net/core/somaxconn", "333"}};
  EXPECT_EQ(*decode_sysctls(encode_sysctls(some)), some);
  for (const char* bad : {"", "[]", R"({"net/a": 1})", R"({"kernel/core_pattern": "|x"})",
                          R"({"net/../kernel/core_pattern": "|x"})"})
    EXPECT_EQ(decode_sysctls(bad).error().code(), base::ErrorCode::kCorrupt) << bad;
}

}  // namespace
}  // namespace reprise::network
