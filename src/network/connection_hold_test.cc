// SPDX-License-Identifier: Apache-2.0
//
// The pure parts; that connections live on is proved by real containers in tests/root.
#include "network/connection_hold.h"

#include <gtest/gtest.h>

#include <fstream>

#include "sys/test_directory.h"

namespace reprise::network {
namespace {

namespace fs = std::filesystem;

TEST(ConnectionHold, ReadsEveryFormOfAddress) {
  const auto found = parse_connections(
      "ESTAB      0 0         10.88.0.5:6379      10.88.0.1:40312 timer:(keepalive,9min) "
      "uid:999 ino:475477 sk:4ef cgroup:/ <->\n"
      "CLOSE-WAIT 1 0 [::ffff:10.88.0.5]:6379 [::ffff:192.0.2.7]:5000 ino:12 sk:4f0 -->\n"
      "ESTAB      0 0      [fd00::0:5]:22 [2001:db8::1]:65535 ino:13 sk:1\n"
      "ESTAB      0 0      [fe80::5]%eth0:22 [fe80::1%eth0]:23 ino:14 sk:1\n"
      "FIN-WAIT-1 0 0      10.88.0.5%eth0:6379 10.88.0.1:40313 sk:2\n");
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(*found, (std::vector<Connection>{{"10.88.0.5", 6379, "10.88.0.1", 40312, 475477},
                                             {"10.88.0.5", 6379, "192.0.2.7", 5000, 12},
                                             {"fd00::5", 22, "2001:db8::1", 65535, 13},
                                             {"fe80::5", 22, "fe80::1", 23, 14},
                                             {"10.88.0.5", 6379, "10.88.0.1", 40313, 0}}));
}

TEST(ConnectionHold, RefusesLinesThatAreNoConnection) {
  for (const char* line : {"Cannot open netlink socket", "ESTAB 0 0 10.88.0.5:6379",
                           "ESTAB 0 0 10.88.0.5:70000 10.88.0.1:1", "ESTAB 0 0 *:1 10.88.0.1:1",
                           "ESTAB 0 0 10.88.0.5:http 10.88.0.1:1"})
    EXPECT_EQ(parse_connections(line).error().code(), base::ErrorCode::kInternal) << line;
  EXPECT_TRUE(parse_connections("")->empty());
}

TEST(ConnectionHold, TellsOutsideFromInside) {
  const std::vector<std::string> own = {"10.88.0.5/16", "fd00::5/64"};
  const auto to = [&](const char* peer) { return is_outside({.peer = peer}, own); };
  EXPECT_TRUE(to("10.88.0.50"));
  EXPECT_TRUE(to("fd00::50"));
  EXPECT_FALSE(to("10.88.0.5"));
  EXPECT_FALSE(to("fd00::5"));
  EXPECT_FALSE(to("127.0.0.1"));
  EXPECT_FALSE(to("::1"));
}

TEST(ConnectionHold, FindsSocketsOfAllProcesses) {
  const sys::TestDirectory proc;
  const auto process = [&](const std::string& pid, const std::string& children) {
    fs::create_directories(proc.path() / pid / "fd");
    fs::create_directories(proc.path() / pid / "task" / pid);
    std::ofstream(proc.path() / pid / "task" / pid / "children") << children;
  };
  process("100", "101 ");
  process("101", "");
  process("102", "");
  fs::create_symlink("socket:[7]", proc.path() / "100/fd/3");
  fs::create_symlink("/dev/null", proc.path() / "100/fd/0");
  fs::create_symlink("socket:[9]", proc.path() / "101/fd/4");
  fs::create_symlink("socket:[11]", proc.path() / "102/fd/4");
  EXPECT_EQ(sockets_of(proc.path(), 100), (std::set<std::uint64_t>{7, 9}));
}

TEST(ConnectionHold, HasANameThatNftTakes) {
  const auto name = [](const std::string& key) {
    return hold_name(base::ContainerKey::parse(key).value());
  };
  EXPECT_EQ(name("0123-ab.c"), "reprise-hold-0123-ab.c");
  EXPECT_EQ(name("/a 1;}/web"), "reprise-hold-_a_1___web");
  EXPECT_EQ(name(std::string(300, 'x') + "/web"), "reprise-hold-" + std::string(196, 'x') + "_web");
}

TEST(ConnectionHold, WritesPacketsOfThePeersOnly) {
  const std::string script = hold_script("inet", "reprise-hold-x",
                                         {{"10.88.0.5", 6379, "10.88.0.1", 40312, 1},
                                          {"fd00::5", 22, "fd00::1", 23, 2},
                                          {"10.88.0.5", 6379, "192.0.2.7", 5000, 3}});
  EXPECT_TRUE(script.ends_with(
      "add element inet reprise-hold-x held4 "
      "{ 10.88.0.1 . 40312 . 10.88.0.5 . 6379, 192.0.2.7 . 5000 . 10.88.0.5 . 6379 }\n"
      "add element inet reprise-hold-x held6 { fd00::1 . 23 . fd00::5 . 22 }\n"))
      << script;
  EXPECT_EQ(hold_script("inet", "t", {{"10.0.0.5", 1, "10.0.0.1", 2, 3}})
                .find("add element inet t held6"),
            std::string::npos);
}

TEST(ConnectionHold, FindsOnlyHolds) {
  const auto tables = parse_hold_tables(R"({"nftables": [{"metainfo": {"version": "1.1.3"}},
    {"table": {"family": "inet", "name": "netavark", "handle": 1}},
    {"table": {"family": "bridge", "name": "reprise-hold-b1", "handle": 7}}]})");
  ASSERT_TRUE(tables);
  EXPECT_EQ(*tables, (std::vector<HoldTable>{{"bridge", "reprise-hold-b1", 7}}));
  EXPECT_EQ(parse_hold_tables("Error").error().code(), base::ErrorCode::kInternal);
  EXPECT_EQ(parse_hold_tables(R"({"nftables": [{"table": {}}]})").error().code(),
            base::ErrorCode::kInternal);
}

TEST(ConnectionHold, KnowsWhenAHoldHasRunOut) {
  EXPECT_FALSE(
      holds_any(R"({"nftables": [{"table": {"name": "t"}}, {"set": {"name": "held4"}}]})"));
  EXPECT_TRUE(holds_any(R"({"nftables": [{"set": {"name": "held4"}},
    {"set": {"name": "held6", "elem": [{"elem": {"val": {"concat": ["fd00::1"]}}}]}}]})"));
  EXPECT_TRUE(holds_any("Error: No such file or directory"));
}

}  // namespace
}  // namespace reprise::network
