// SPDX-License-Identifier: Apache-2.0
//
// The pure parts; the rest is proved by real containers in tests/root.
#include "network/network.h"

#include <gtest/gtest.h>

namespace reprise::network {
namespace {

TEST(Network, TakesGlobalAddressesOnly) {
  const auto found = parse_addresses(R"([
    {"ifname": "lo", "addr_info": [
      {"local": "127.0.0.1", "prefixlen": 8, "scope": "host"},
      {"local": "10.88.0.4", "prefixlen": 32, "scope": "global"}]},
    {"ifname": "eth0", "addr_info": [
      {"family": "inet", "local": "10.88.0.5", "prefixlen": 16, "scope": "global"},
      {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}]},
    {"ifname": "bare"}])");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->own, std::vector<std::string>{"10.88.0.5/16"});
  EXPECT_EQ(found->adopted, std::vector<std::string>{"10.88.0.4/32"});
  EXPECT_EQ(found->link, std::vector<std::string>{"fe80::1%eth0/64"});
}

TEST(Network, RefusesOutputThatIsNotJson) {
  EXPECT_EQ(parse_addresses("Object not found").error().code(), base::ErrorCode::kInternal);
  EXPECT_EQ(parse_addresses(R"([{"addr_info": [{"scope": "global"}]}])").error().code(),
            base::ErrorCode::kInternal);
}

TEST(Network, KnowsTheLocalAddressesOfAllKindsOfSockets) {
  const auto found = parse_local_addresses(
      "raw UNCONN 0 0 10.77.0.1:1 0.0.0.0:*\n"
      "udp UNCONN 0 0 [::ffff:10.77.0.2]:99 *:* v6only:0\n"
      "udp UNCONN 0 0 10.77.0.3%eth0:68 0.0.0.0:*\n"
      "tcp LISTEN 0 128 *:80 *:*\n"
      "tcp LISTEN 0 128 [fe80::644b:f8ff:feda:88d]%va:81 [::]:*\n"
      "tcp ESTAB 0 0 [fd00:203::2]:42740 [fd00:203::2]:80\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (std::set<std::string>{"10.77.0.1", "10.77.0.2", "10.77.0.3", "fd00:203::2",
                                           "fe80::644b:f8ff:feda:88d"}));
  EXPECT_EQ(parse_local_addresses("nonsense\n").error().code(), base::ErrorCode::kInternal);
}

TEST(Network, FindsOnlyCriusTables) {
  EXPECT_EQ(parse_criu_tables("table inet netavark\ntable inet CRIU-dd54ff4a-f2cc-4159-9c\n"
                              "table ip CRIU-1\nnonsense\n"),
            (std::vector<std::string>{"inet CRIU-dd54ff4a-f2cc-4159-9c", "ip CRIU-1"}));
  EXPECT_TRUE(parse_criu_tables("").empty());
}

}  // namespace
}  // namespace reprise::network
