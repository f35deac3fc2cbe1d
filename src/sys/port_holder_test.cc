// SPDX-License-Identifier: Apache-2.0
#include "sys/port_holder.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/unique_fd.h"

namespace reprise::sys {
namespace {

constexpr const char* kOurs = "/proc/self/ns/net";

// A socket of this process on some port of the loopback address.
class Bound {
 public:
  explicit Bound(int type) : fd_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const general = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd_.get(), general, size), 0);
    EXPECT_EQ(::getsockname(fd_.get(), general, &size), 0);
    EXPECT_TRUE(type != SOCK_STREAM || ::listen(fd_.get(), 1) == 0);
    port_ = ::ntohs(address.sin_port);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  UniqueFd fd_;
  std::uint16_t port_ = 0;
};

TEST(PortHolderTest, IsTheProcessThatHasTheSocket) {
  for (const auto& [type, transport] :
       {std::pair(SOCK_STREAM, Transport::kTcp), std::pair(SOCK_DGRAM, Transport::kUdp)}) {
    const Bound socket(type);
    const auto holder = find_port_holder(kOurs, transport, socket.port());
    ASSERT_TRUE(holder);
    EXPECT_EQ(holder->pid, ::getpid());
    EXPECT_EQ(holder->name, "sys_test");
  }
}

TEST(PortHolderTest, NobodyHasAPortThatIsFree) {
  std::uint16_t port = 0;
  {
    const Bound socket(SOCK_STREAM);
    port = socket.port();
    EXPECT_FALSE(find_port_holder(kOurs, Transport::kUdp, port)) << "of the other kind";
    EXPECT_FALSE(find_port_holder("/no/such/network", Transport::kTcp, port));
  }
  EXPECT_FALSE(find_port_holder(kOurs, Transport::kTcp, port));
}

}  // namespace
}  // namespace reprise::sys
