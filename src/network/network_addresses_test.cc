// SPDX-License-Identifier: Apache-2.0
#include "network/network_addresses.h"

#include <gtest/gtest.h>

namespace reprise::network {
namespace {

using Addresses = std::map<std::string, std::string>;

NetworkSetup now() {
  NetworkSetup setup;
  setup.links["lo"] = {};
  setup.links["eth0"] = {.kind = "veth", .foreign = true};
  setup.links["eth1"] = {.kind = "veth", .foreign = true};
  setup.addresses = {"10.9.9.9/32 dev lo", "10.88.0.7/16 broadcast 10.88.255.255 dev eth0",
                     "10.89.0.7/16 dev eth1", "fd00::7/64 dev eth0", "fe80::1/64 dev eth0"};
  return setup;
}

TEST(NetworkAddresses, ThoseOfTheSameSubnetFollow) {
  EXPECT_EQ(
      successors({"10.88.0.5/16", "10.89.0.7/16", "fd00::5/64", "fe80::2%eth0/64", "nonsense"},
                 now(), {}),
      (Addresses{{"10.88.0.5", "10.88.0.7"}, {"fd00::5", "fd00::7"}}));
  EXPECT_TRUE(successors({"10.88.0.5/16"}, now(), {"10.88.0.5/16"}).empty());
  EXPECT_TRUE(successors({"10.90.0.5/16"}, now(), {}).empty()) << "there are two of its kind";
  EXPECT_EQ(successors({"fd99::5/64"}, now(), {}), (Addresses{{"fd99::5", "fd00::7"}}));
}

// An address of eth0 that a program had removed was back after each start.
TEST(NetworkAddresses, ThoseThatTakeThePlaceOfRemovedOnesAreToGo) {
  const std::string podmans = "10.88.0.7/16 broadcast 10.88.255.255 dev eth0";
  const auto to_remove = [](std::vector<std::string> removed,
                            const std::vector<std::string>& added = {}) {
    return addresses_to_remove(removed, added, now());
  };
  using Lines = std::vector<std::string>;
  EXPECT_EQ(to_remove({"10.88.0.5/16 broadcast 10.88.255.255 dev eth0"}), (Lines{podmans}));
  EXPECT_EQ(to_remove({"10.99.0.5/24 dev eth0"}), (Lines{podmans})) << "another network";
  EXPECT_EQ(to_remove({podmans, "10.88.0.5/16 dev eth0"}), (Lines{podmans})) << "once";
  EXPECT_EQ(to_remove({"10.88.0.5/16 dev eth0"}, {podmans}), Lines{}) << "the program's own";
  EXPECT_EQ(to_remove({"10.88.0.5/16 dev eth7"}), Lines{});
  EXPECT_EQ(to_remove({"10.9.9.9/32 dev lo"}), (Lines{"10.9.9.9/32 dev lo"}));
  EXPECT_EQ(to_remove({"10.9.9.8/32 dev lo"}), Lines{});
}

// A container with a route from its own address never came back, since its next one was another.
TEST(NetworkAddresses, AreReplacedAsWholeWords) {
  NetworkChange change;
  change.added.routes4 = {"10.97.0.0/16 via 10.88.0.1 dev eth0 src 10.88.0.5"};
  change.added.rules4 = {"from 10.88.0.5 lookup 7", "from 10.88.0.51/32 lookup 7"};
  change.added.tables["ip t"] = "ip saddr { 10.88.0.5/32, 10.88.0.5-10.88.0.9 } accept\n";
  const auto translated = with_addresses(change, {{"10.88.0.5", "10.88.0.7"}}).added;
  EXPECT_EQ(translated.routes4.front(), "10.97.0.0/16 via 10.88.0.1 dev eth0 src 10.88.0.7");
  EXPECT_EQ(translated.rules4.front(), "from 10.88.0.7 lookup 7");
  EXPECT_EQ(translated.rules4.back(), "from 10.88.0.51/32 lookup 7");
  EXPECT_EQ(translated.tables.at("ip t"),
            "ip saddr { 10.88.0.7/32, 10.88.0.7-10.88.0.9 } accept\n");
}

}  // namespace
}  // namespace reprise::network
