// SPDX-License-Identifier: Apache-2.0
#include "network/neighbours.h"

#include <gtest/gtest.h>

namespace reprise::network {
namespace {

using base::ErrorCode;

// Seen from the client, with inode 1; the server's end is its reverse.
const Connection kClient{"127.0.0.1", 40312, "127.0.0.1", 7100, 1};

Connection with_inode(Connection connection, std::uint64_t inode) {
  connection.inode = inode;
  return connection;
}

TEST(Neighbours, ComeBackFromTheirPart) {
  const std::vector<Connection> list = {with_inode(kClient, 0), {"fd00::5", 22, "fd00::5", 23, 0}};
  const auto read = decode_connections(encode_connections(list));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, list);
  for (const char* text : {"", "[{}]", R"([{"local": 1}])"})
    EXPECT_EQ(decode_connections(text).error().code(), ErrorCode::kCorrupt) << text;
}

TEST(Neighbours, AreConnectionsWhoseOtherEndAnotherContainerHas) {
  const Connection server = with_inode(reversed(kClient), 2);
  const auto choose = [](const std::vector<Connection>& all, const std::set<std::uint64_t>& own,
                         const std::vector<Held>& held = {}) {
    return choose_neighbours(all, own, {"10.88.0.5/16"}, held);
  };
  EXPECT_EQ(choose({kClient, server}, {1}), (std::vector<Connection>{kClient}));
  EXPECT_TRUE(choose({kClient, server}, {1, 2}).empty()) << "both ends are its own";
  EXPECT_TRUE(choose({kClient, with_inode(server, 0)}, {1}).empty()) << "closed at the other end";
  EXPECT_TRUE(choose({kClient}, {1}).empty()) << "the other end is gone";
  EXPECT_EQ(choose({kClient}, {1}, {{"reprise-hold-b", {reversed(kClient)}}}).size(), 1U);
  EXPECT_EQ(choose({{"10.88.0.5", 1, "10.88.0.5", 2, 1}, {"10.88.0.5", 2, "10.88.0.5", 1, 2}}, {1})
                .size(),
            1U);
  EXPECT_TRUE(choose({{"10.88.0.5", 1, "10.88.0.9", 2, 1}}, {1}).empty()) << "outside";
}

TEST(Neighbours, AreReadFromTheirTables) {
  const auto held = parse_held(R"({"nftables": [{"metainfo": {"version": "1.1.3"}},
    {"set": {"family": "inet", "name": "held4", "table": "reprise-hold-a", "elem": [
      {"elem": {"val": {"concat": ["127.0.0.1", 7100, "127.0.0.1", 40312]}, "timeout": 960}}]}},
    {"set": {"family": "inet", "name": "held6", "table": "reprise-hold-a"}},
    {"set": {"family": "inet", "name": "x", "table": "others", "elem": [1]}}]})");
  ASSERT_TRUE(held);
  ASSERT_EQ(held->size(), 1U);
  EXPECT_EQ(held->front().table, "reprise-hold-a");
  EXPECT_EQ(held->front().connections, (std::vector<Connection>{with_inode(kClient, 0)}));
  EXPECT_EQ(parse_held("Error").error().code(), ErrorCode::kInternal);
}

TEST(Neighbours, WaitAsLongAsOneOfThemIsThere) {
  const std::vector<Connection> held{kClient, reversed(kClient)};
  EXPECT_TRUE(without_ends(held, {with_inode(reversed(kClient), 7)}).empty());
  EXPECT_EQ(without_ends(held, {}), held);
  EXPECT_EQ(without_ends(held, {with_inode(kClient, 0)}), held) << "an orphan waits for nobody";
}

TEST(Neighbours, AreReleasedInBothDirectionsAndFromAllTables) {
  const Connection other{"::1", 1, "::1", 2, 0};
  const std::vector<Held> held = {{"reprise-hold-a", {kClient, reversed(kClient)}},
                                  {"reprise-hold-b", {reversed(kClient), other}},
                                  {"reprise-hold-over", {}}};
  EXPECT_EQ(release_script(held, {kClient}),
            "delete table inet reprise-hold-a\n"
            "delete element inet reprise-hold-b held4 "
            "{ 127.0.0.1 . 40312 . 127.0.0.1 . 7100 }\n"
            "delete table inet reprise-hold-over\n");
  EXPECT_EQ(release_script({{"reprise-hold-b", {other}}}, {kClient}), "");
}

}  // namespace
}  // namespace reprise::network
