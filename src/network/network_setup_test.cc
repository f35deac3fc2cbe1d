// SPDX-License-Identifier: Apache-2.0
//
// The pure parts; the rest is proved by real containers in tests/root.
#include "network/network_setup.h"

#include <gtest/gtest.h>

#include "network/network_baseline.h"

namespace reprise::network {
namespace {

constexpr const char* kLinks = R"([
  {"ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP"], "mtu": 65536, "addr_info": [
    {"local": "127.0.0.1", "prefixlen": 8, "scope": "host", "label": "lo"},
    {"local": "10.77.0.1", "prefixlen": 32, "scope": "global", "label": "lo"}]},
  {"ifindex": 2, "link_index": 9, "ifname": "eth0", "flags": ["UP"], "mtu": 1500,
   "address": "02:00:00:00:00:01", "link_netnsid": 0, "linkinfo": {"info_kind": "veth"},
   "addr_info": [
     {"local": "10.88.0.5", "prefixlen": 16, "broadcast": "10.88.255.255", "scope": "global",
      "label": "eth0"},
     {"local": "fd00::5", "prefixlen": 64, "scope": "global"},
     {"local": "fe80::5", "prefixlen": 64, "scope": "link", "protocol": "kernel_ll"},
     {"local": "fe80::f:feff:fe00:1", "prefixlen": 64, "scope": "link"},
     {"local": "fe80::1", "prefixlen": 64, "scope": "link"},
     {"local": "fd01::7", "prefixlen": 64, "scope": "global", "dynamic": true}]},
  {"ifindex": 3, "ifname": "br7", "flags": [], "mtu": 1500, "address": "02:00:00:00:00:07",
   "linkinfo": {"info_kind": "bridge", "info_data": {"stp_state": 0, "gc_timer": 5.1}}},
  {}])";

TEST(NetworkSetup, KnowsLinksThatLeadOut) {
  const auto links = parse_links(kLinks);
  ASSERT_EQ(links.size(), 3U);
  EXPECT_TRUE(links.at("eth0").foreign);
  EXPECT_FALSE(links.at("br7").foreign);
  EXPECT_EQ(links.at("br7").details, R"({"stp_state":0})");
  EXPECT_TRUE(links.at("lo").up);
  EXPECT_FALSE(links.at("br7").up);
}

TEST(NetworkSetup, WritesAddressesAsTheyAreAdded) {
  EXPECT_EQ(parse_address_lines(kLinks),
            (std::vector<std::string>{"10.77.0.1/32 dev lo",
                                      "10.88.0.5/16 broadcast 10.88.255.255 dev eth0",
                                      "fd00::5/64 dev eth0", "fe80::1/64 dev eth0"}));
}

TEST(NetworkSetup, LeavesOutWhatTheKernelMakes) {
  EXPECT_EQ(
      parse_routes("default via 10.88.0.1 dev eth0 proto static metric 100 \n"
                   "10.88.0.0/16 dev eth0 proto kernel scope link src 10.88.0.5 \n"
                   "blackhole 203.0.113.0/24 \n"
                   "blackhole 2001:db8::/32 dev lo metric 1024 error -22 pref medium\n"
                   "10.9.0.0/16 dev br7 scope link linkdown \n"
                   "default \\\tnexthop via 10.0.0.1 dev a weight 1 \\\tnexthop via 10.0.0.2\n"),
      (std::vector<std::string>{
          "default via 10.88.0.1 dev eth0 proto static metric 100", "blackhole 203.0.113.0/24",
          "blackhole 2001:db8::/32 dev lo metric 1024 pref medium",
          "10.9.0.0/16 dev br7 scope link",
          "default  \tnexthop via 10.0.0.1 dev a weight 1  \tnexthop via 10.0.0.2"}));
  EXPECT_EQ(parse_rules("0:\tfrom all lookup local\n32765:\tfrom all fwmark 0x7 lookup 77\n"),
            (std::vector<std::string>{"from all lookup local pref 0",
                                      "from all fwmark 0x7 lookup 77 pref 32765"}));
}

TEST(NetworkSetup, TakesTablesThatAreNotOurs) {
  const auto tables = parse_tables(
      "table inet CRIU-1 {\n\tchain a {\n\t}\n}\n"
      "table inet killswitch {\n\tchain out {\n\t\tdrop\n\t}\n}\n"
      "table inet reprise-restore {\n}\n"
      "table ip empty {\n}\n");
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables.at("inet killswitch"),
            "table inet killswitch {\n\tchain out {\n\t\tdrop\n\t}\n}\n");
  EXPECT_TRUE(tables.contains("ip empty"));
}

TEST(NetworkSetup, TellsWhatAProgramDidFromWhatWasThere) {
  NetworkSetup before;
  before.links = parse_links(kLinks);
  before.links.erase("br7");
  before.addresses = {"10.88.0.5/16 dev eth0"};
  before.routes4 = {"default via 10.88.0.1 dev eth0"};
  NetworkSetup now = before;
  EXPECT_TRUE(difference(before, now).empty());
  now.links = parse_links(kLinks);
  now.links["eth0"].mtu = 1400;
  now.addresses.emplace_back("10.77.0.1/32 dev lo");
  now.routes4.clear();
  now.tables["inet killswitch"] = "table inet killswitch {\n}\n";
  const NetworkChange change = difference(before, now);
  EXPECT_EQ(change.added.addresses, std::vector<std::string>{"10.77.0.1/32 dev lo"});
  EXPECT_EQ(change.removed.routes4, before.routes4);
  EXPECT_EQ(change.added.links.size(), 2U);
  EXPECT_EQ(change.added.links.at("eth0").mtu, 1400);
  EXPECT_EQ(change.added.tables.size(), 1U);
  const auto read = decode_change(encode_change(change));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->added, change.added);
  EXPECT_EQ(read->removed, change.removed);
}

// `podman network connect` of a container that runs.
TEST(NetworkSetup, LeavesNetworksThatCameLaterToPodman) {
  NetworkSetup now;
  now.links = parse_links(kLinks);
  now.links.erase("br7");
  now.addresses = {"10.88.0.5/16 dev eth0"};
  NetworkSetup before;
  before.links["lo"] = now.links["lo"];
  EXPECT_TRUE(difference(before, now).empty());
  EXPECT_EQ(presumed_baseline(now).addresses, now.addresses);
}

// `podman network disconnect` and `connect`: the address that Podman chose was added to the one
// that it chose for the next start.
TEST(NetworkSetup, LeavesANetworkThatWasConnectedAnewToPodman) {
  NetworkSetup before;
  before.links = parse_links(kLinks);
  before.addresses = {"10.88.0.5/16 dev eth0"};
  NetworkSetup now = before;
  now.links["eth0"].index = 9;
  now.links["eth0"].address = "02:00:00:00:00:99";
  now.addresses = {"10.88.0.9/16 dev eth0"};
  EXPECT_TRUE(difference(before, now).empty());
}

TEST(NetworkSetup, KeepsAnAddressThatAProgramGaveToALinkOfPodman) {
  NetworkSetup before;
  before.links = parse_links(kLinks);
  NetworkSetup now = before;
  now.links["eth0"].mtu = 1400;
  EXPECT_FALSE(difference(before, now).added.links.at("eth0").readdressed);
  now.links["eth0"].address = "02:00:00:00:00:99";
  const NetworkChange change = difference(before, now);
  EXPECT_TRUE(change.added.links.at("eth0").readdressed);
  EXPECT_EQ(decode_change(encode_change(change))->added, change.added);
}

TEST(NetworkSetup, TakesNothingThatReachesOutOfTheNamespace) {
  NetworkChange change;
  for (const char* line :
       {"default dev x netns 1", "-batch x", "a\nb", "1.2.3.4 encap bpf in obj x"}) {
    change.added.routes4 = {line};
    EXPECT_EQ(decode_change(encode_change(change)).error().code(), base::ErrorCode::kCorrupt);
  }
  change = {};
  change.added.links["a netns 1"] = {};
  EXPECT_EQ(decode_change(encode_change(change)).error().code(), base::ErrorCode::kCorrupt);
  change = {};
  change.added.tables["ip x"] = "include \"/etc/shadow\"\n";
  EXPECT_EQ(decode_change(encode_change(change)).error().code(), base::ErrorCode::kCorrupt);
  for (const char* bad :
       {"", "[]", R"({"added": {}})", R"({"added": {"routes4": 1}, "removed": {}})"})
    EXPECT_EQ(decode_change(bad).error().code(), base::ErrorCode::kCorrupt) << bad;
}

}  // namespace
}  // namespace reprise::network
