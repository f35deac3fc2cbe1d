// SPDX-License-Identifier: Apache-2.0
#include "attributes/socket_options.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <tuple>

#include "attributes/internal/multicast.h"
#include "attributes/internal/socket_option_table.h"
#include "attributes/internal/unix_files.h"
#include "sys/test_directory.h"
#include "sys/unique_fd.h"

namespace reprise::attributes {
namespace {

struct Kind {
  int family;
  int type;
  int protocol;
};

// Sets what can be set of a kind of socket, to something unusual.
int set_all(int fd, const Kind& kind) {
  int count = 0;
  for (const KnownOption& known : known_options()) {
    if (!has_level(known.level, kind.family, kind.type, kind.protocol)) continue;
    for (const int value : {3, 1, 0}) {
      int before = -1;
      int after = -1;
      socklen_t size = sizeof(before);
      if (::getsockopt(fd, known.level, known.number, &before, &size) != 0 || before == value)
        continue;
      if (::setsockopt(fd, known.level, known.number, &value, sizeof(value)) != 0) continue;
      size = sizeof(after);
      ::getsockopt(fd, known.level, known.number, &after, &size);
      if (after == before) continue;
      ++count;
      break;
    }
  }
  return count;
}

std::vector<SocketRecord> record_of(int fd) {
  auto all = read_sockets("/proc", ::getpid());
  std::erase_if(all, [fd](const SocketRecord& one) { return one.descriptor != fd; });
  return all;
}

// As after a restore: another socket under the same number.
void replace_by_new(int fd, const Kind& kind) {
  const sys::UniqueFd fresh(::socket(kind.family, kind.type, kind.protocol));
  ASSERT_GE(::dup2(fresh.get(), fd), 0);
}

TEST(SocketOptionsTest, EveryOptionThatCanBeSetComesBack) {
  for (const Kind& kind :
       {Kind{AF_INET, SOCK_STREAM, 0}, Kind{AF_INET6, SOCK_STREAM, 0}, Kind{AF_INET, SOCK_DGRAM, 0},
        Kind{AF_INET6, SOCK_DGRAM, 0}, Kind{AF_UNIX, SOCK_STREAM, 0}, Kind{AF_UNIX, SOCK_DGRAM, 0},
        Kind{AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE}, Kind{AF_NETLINK, SOCK_RAW, NETLINK_ROUTE},
        Kind{AF_INET, SOCK_RAW, IPPROTO_ICMP}, Kind{AF_INET6, SOCK_RAW, IPPROTO_ICMPV6}}) {
    SCOPED_TRACE(testing::Message() << kind.family << " " << kind.type << " " << kind.protocol);
    const sys::UniqueFd socket(::socket(kind.family, kind.type, kind.protocol));
    if (!socket.valid()) continue;  // raw ones need privileges
    Kind real = kind;
    socklen_t size = sizeof(real.protocol);
    ::getsockopt(socket.get(), SOL_SOCKET, SO_PROTOCOL, &real.protocol, &size);
    EXPECT_GT(set_all(socket.get(), real), 2);
    const auto before = record_of(socket.get());
    ASSERT_EQ(before.size(), 1U);
    const auto decoded = decode_sockets(encode_sockets(before));
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(*decoded, before);

    replace_by_new(socket.get(), kind);
    EXPECT_TRUE(record_of(socket.get()).empty()) << "a new socket needs no record";
    for (const std::string& failure : set_sockets("/proc", ::getpid(), *decoded))
      ADD_FAILURE() << failure;
    EXPECT_EQ(encode_sockets(record_of(socket.get())), encode_sockets(before));
  }
}

// A program that pings tells its answers by the number that its socket is bound to.
TEST(SocketOptionsTest, RawSocketsAndThoseForEchoAreBoundAndConnectedAgain) {
  for (const Kind& kind :
       {Kind{AF_INET, SOCK_DGRAM, IPPROTO_ICMP}, Kind{AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6},
        Kind{AF_INET, SOCK_RAW, IPPROTO_ICMP}}) {
    const sys::UniqueFd socket(::socket(kind.family, kind.type, kind.protocol));
    if (!socket.valid()) continue;  // they need privileges
    EXPECT_TRUE(record_of(socket.get()).empty()) << "a new socket needs no record";
    sockaddr_in6 address{};
    address.sin6_family = static_cast<sa_family_t>(kind.family);
    address.sin6_port = htons(4711);
    if (kind.family == AF_INET6)
      address.sin6_addr = in6addr_loopback;
    else
      reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
    ASSERT_EQ(::bind(socket.get(), generic, sizeof(address)), 0) << std::strerror(errno);
    ASSERT_EQ(::connect(socket.get(), generic, sizeof(address)), 0) << std::strerror(errno);
    const auto before = record_of(socket.get());
    ASSERT_EQ(before.size(), 1U);
    const auto decoded = decode_sockets(encode_sockets(before));
    ASSERT_TRUE(decoded && *decoded == before);
    replace_by_new(socket.get(), kind);
    // As CRIU does.
    ASSERT_EQ(::connect(socket.get(), generic, sizeof(address)), 0) << std::strerror(errno);
    for (const std::string& failure : set_sockets("/proc", ::getpid(), *decoded))
      ADD_FAILURE() << failure;
    EXPECT_EQ(record_of(socket.get()), before);
  }
}

TEST(SocketOptionsTest, GroupsAreJoinedAgainWithTheirSources) {
  const sys::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  ip_mreqn all{};
  all.imr_multiaddr.s_addr = ::inet_addr("239.7.7.7");
  all.imr_ifindex = 1;
  if (::setsockopt(socket.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &all, sizeof(all)) != 0)
    GTEST_SKIP() << "the loopback interface takes no groups here";
  ip_mreq_source some{};
  some.imr_multiaddr.s_addr = ::inet_addr("232.1.2.3");
  some.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
  for (const char* source : {"10.0.0.1", "10.0.0.2"}) {
    some.imr_sourceaddr.s_addr = ::inet_addr(source);
    ASSERT_EQ(::setsockopt(socket.get(), IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &some, sizeof(some)),
              0);
  }
  const auto before = record_of(socket.get());
  ASSERT_EQ(before.size(), 1U);
  ASSERT_EQ(before[0].groups.size(), 2U);
  const auto& filtered = *std::ranges::max_element(
      before[0].groups, {}, [](const GroupMembership& one) { return one.sources.size(); });
  EXPECT_TRUE(filtered.only_sources);
  EXPECT_EQ(filtered.sources.size(), 2U);
  EXPECT_EQ(filtered.device, "lo");

  replace_by_new(socket.get(), {AF_INET, SOCK_DGRAM, 0});
  const auto decoded = decode_sockets(encode_sockets(before));
  ASSERT_TRUE(decoded) << decoded.error().message();
  for (const std::string& failure : set_sockets("/proc", ::getpid(), *decoded))
    ADD_FAILURE() << failure;
  EXPECT_EQ(record_of(socket.get()), before);
  EXPECT_TRUE(set_sockets("/proc", ::getpid(), *decoded).empty()) << "twice is no error";
}

TEST(SocketOptionsTest, ReadsTheKernelsListsOfGroups) {
  const auto groups = parse_igmp(
      "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
      "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n"
      "2\teth0      :     2      V3\n\t\t\t\t070707EF     1 0:00000000\t\t0\n"
      "\t\t\t\tnonsense 1 0:0 0\n");
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[1].device, "eth0");
  EXPECT_EQ(groups[1].interface, 2);
  EXPECT_EQ(groups[1].group, (std::string{"\xef\x07\x07\x07", 4}));
  const auto groups6 =
      parse_igmp6("4    eth0            ff0200000000000000000001ff000002     1 00000004 0\nx\n");
  ASSERT_EQ(groups6.size(), 1U);
  EXPECT_EQ(groups6[0].interface, 4);
  EXPECT_EQ(groups6[0].group.size(), sizeof(in6_addr));
  EXPECT_EQ(groups6[0].group.substr(0, 2), "\xff\x02");
}

// Bound and listening at `path`.
sys::UniqueFd listen_at(const std::string& path) {
  sys::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(&address.sun_path[0], sizeof(address.sun_path) - 1);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::listen(socket.get(), 1), 0);
  return socket;
}

bool answers(const std::string& path) {
  const sys::UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(&address.sun_path[0], sizeof(address.sun_path) - 1);
  return ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

TEST(SocketOptionsTest, FilesOfSocketsGetTheirNamesBack) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_NET_ADMIN";
  namespace fs = std::filesystem;
  const sys::TestDirectory directory;
  const fs::path top = fs::canonical(directory.path());
  fs::create_directory_symlink(top, top / "link");
  const auto linked = listen_at(top / "linked.tmp");
  fs::create_hard_link(top / "linked.tmp", top / "linked");
  fs::remove(top / "linked.tmp");
  const auto renamed = listen_at(top / "link" / "renamed.tmp");
  fs::rename(top / "renamed.tmp", top / "renamed");
  const auto twice = listen_at(top / "twice");
  fs::create_hard_link(top / "twice", top / "thrice");
  const auto ordinary = listen_at(top / "ordinary");
  const auto removed = listen_at(top / "removed");
  fs::remove(top / "removed");

  const auto file_of = [](const sys::UniqueFd& fd) { return moved_file(fd.get(), "/"); };
  EXPECT_FALSE(file_of(ordinary));
  EXPECT_FALSE(file_of(removed));
  for (const auto& [fd, bound, is_there, name] :
       {std::tuple(&linked, "linked.tmp", false, "linked"),
        std::tuple(&renamed, "renamed.tmp", false, "renamed"),
        std::tuple(&twice, "twice", true, "thrice")}) {
    const auto file = file_of(*fd);
    ASSERT_TRUE(file) << bound;
    EXPECT_EQ(file->bound, top / bound);
    EXPECT_EQ(file->is_there, is_there);
    EXPECT_EQ(file->names, std::vector<std::string>{top / name});
    // As after a restore: a new socket where the old one was bound, and its other name is dead.
    fs::remove(top / bound);
    const auto again = listen_at(top / bound);
    const auto moved = move_file(*file, "/");
    ASSERT_TRUE(moved) << moved.error().message();
    EXPECT_TRUE(answers(top / name));
    EXPECT_EQ(answers(top / bound), is_there);
  }
}

TEST(SocketOptionsTest, RefusesWhatIsNoListOfSockets) {
  for (const char* text :
       {"", "{}", "[]", R"({"sockets":[{"pid":1}]})", R"({"sockets":[{"pid":1,"fd":"x"}]})",
        R"({"sockets":[{"pid":1,"fd":3,"options":[[1,2,"00"]]}]})",  // nobody sets that one
        R"({"sockets":[{"pid":1,"fd":3,"options":[[1,12,"0g"]]}]})",
        R"({"sockets":[{"pid":1,"fd":3,"options":[[1,12,"000"]]}]})",
        R"({"sockets":[{"pid":1,"fd":3,"groups":[{"level":0,"group":"00","device":"lo"}]}]})",
        R"({"sockets":[{"pid":1,"fd":3,"groups":[{"level":7,"group":"00","device":"lo"}]}]})"}) {
    const auto decoded = decode_sockets(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code(), base::ErrorCode::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace reprise::attributes
