// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "attributes/internal/socket_option_table.h"

namespace reprise::attributes {
namespace {

// Numbers instead of the headers' names: many are newer than the headers of the oldest system that
// this is built on, and none changes.
constexpr int kSocket = SOL_SOCKET;
constexpr int kIp = IPPROTO_IP;
constexpr int kIpv6 = IPPROTO_IPV6;
constexpr int kTcp = IPPROTO_TCP;
constexpr int kUdp = IPPROTO_UDP;
constexpr int kUdpLite = IPPROTO_UDPLITE;
constexpr int kIcmpv6 = IPPROTO_ICMPV6;
constexpr int kRaw = 255;
constexpr int kPacket = 263;
constexpr int kNetlink = 270;

// Left out: what CRIU restores itself (buffer sizes, SO_REUSEADDR, SO_LINGER …), what reading
// changes (SO_ERROR, TCP_SAVED_SYN), what the kernel sets by itself (TCP_QUICKACK).
constexpr std::array kSocketOptions = std::to_array<KnownOption>({
    {kSocket, 1, "SO_DEBUG"},
    {kSocket, 12, "SO_PRIORITY"},
    {kSocket, 29, "SO_TIMESTAMP"},
    {kSocket, 35, "SO_TIMESTAMPNS"},
    {kSocket, 37, "SO_TIMESTAMPING"},
    {kSocket, 63, "SO_TIMESTAMP_NEW"},
    {kSocket, 64, "SO_TIMESTAMPNS_NEW"},
    {kSocket, 65, "SO_TIMESTAMPING_NEW"},
    {kSocket, 16, "SO_PASSCRED"},
    {kSocket, 34, "SO_PASSSEC"},
    {kSocket, 40, "SO_RXQ_OVFL"},
    {kSocket, 41, "SO_WIFI_STATUS"},
    {kSocket, 42, "SO_PEEK_OFF"},
    {kSocket, 43, "SO_NOFCS"},
    {kSocket, 45, "SO_SELECT_ERR_QUEUE"},
    {kSocket, 46, "SO_BUSY_POLL"},
    {kSocket, 47, "SO_MAX_PACING_RATE"},
    {kSocket, 49, "SO_INCOMING_CPU", OptionKind::kSettled},
    {kSocket, 60, "SO_ZEROCOPY"},
    {kSocket, 61, "SO_TXTIME"},
    {kSocket, 69, "SO_PREFER_BUSY_POLL"},
    {kSocket, 70, "SO_BUSY_POLL_BUDGET"},
    {kSocket, 73, "SO_RESERVE_MEM"},
    {kSocket, 74, "SO_TXREHASH"},
    {kSocket, 75, "SO_RCVMARK"},
    {kSocket, 76, "SO_PASSPIDFD"},
    {kSocket, 82, "SO_RCVPRIORITY"},
    {kSocket, 83, "SO_PASSRIGHTS"},
    {kSocket, 84, "SO_INQ"},
    {kIp, 1, "IP_TOS"},
    {kIp, 2, "IP_TTL"},
    {kIp, 4, "IP_OPTIONS"},
    {kIp, 6, "IP_RECVOPTS"},
    {kIp, 7, "IP_RETOPTS"},
    {kIp, 8, "IP_PKTINFO"},
    {kIp, 10, "IP_MTU_DISCOVER"},
    {kIp, 11, "IP_RECVERR"},
    {kIp, 12, "IP_RECVTTL"},
    {kIp, 13, "IP_RECVTOS"},
    {kIp, 15, "IP_FREEBIND"},
    {kIp, 18, "IP_PASSSEC"},
    {kIp, 19, "IP_TRANSPARENT", OptionKind::kPrivileged},
    {kIp, 20, "IP_RECVORIGDSTADDR"},
    {kIp, 21, "IP_MINTTL"},
    {kIp, 22, "IP_NODEFRAG"},
    {kIp, 23, "IP_CHECKSUM"},
    {kIp, 24, "IP_BIND_ADDRESS_NO_PORT"},
    {kIp, 25, "IP_RECVFRAGSIZE"},
    {kIp, 26, "IP_RECVERR_RFC4884"},
    {kIp, 32, "IP_MULTICAST_IF", OptionKind::kAddress},
    {kIp, 33, "IP_MULTICAST_TTL"},
    {kIp, 34, "IP_MULTICAST_LOOP"},
    {kIp, 49, "IP_MULTICAST_ALL"},
    {kIp, 50, "IP_UNICAST_IF", OptionKind::kNetOrder},
    {kIp, 51, "IP_LOCAL_PORT_RANGE"},
    {kIpv6, 2, "IPV6_2292PKTINFO"},
    {kIpv6, 3, "IPV6_2292HOPOPTS"},
    {kIpv6, 4, "IPV6_2292DSTOPTS"},
    {kIpv6, 5, "IPV6_2292RTHDR"},
    {kIpv6, 7, "IPV6_CHECKSUM"},
    {kIpv6, 8, "IPV6_2292HOPLIMIT"},
    {kIpv6, 11, "IPV6_FLOWINFO"},
    {kIpv6, 16, "IPV6_UNICAST_HOPS"},
    {kIpv6, 17, "IPV6_MULTICAST_IF", OptionKind::kInterface},
    {kIpv6, 18, "IPV6_MULTICAST_HOPS"},
    {kIpv6, 19, "IPV6_MULTICAST_LOOP"},
    {kIpv6, 22, "IPV6_ROUTER_ALERT"},
    {kIpv6, 23, "IPV6_MTU_DISCOVER"},
    {kIpv6, 25, "IPV6_RECVERR"},
    {kIpv6, 29, "IPV6_MULTICAST_ALL"},
    {kIpv6, 30, "IPV6_ROUTER_ALERT_ISOLATE"},
    {kIpv6, 31, "IPV6_RECVERR_RFC4884"},
    {kIpv6, 33, "IPV6_FLOWINFO_SEND"},
    {kIpv6, 49, "IPV6_RECVPKTINFO"},
    {kIpv6, 51, "IPV6_RECVHOPLIMIT"},
    {kIpv6, 53, "IPV6_RECVHOPOPTS"},
    {kIpv6, 54, "IPV6_HOPOPTS"},
    {kIpv6, 55, "IPV6_RTHDRDSTOPTS"},
    {kIpv6, 56, "IPV6_RECVRTHDR"},
    {kIpv6, 57, "IPV6_RTHDR"},
    {kIpv6, 58, "IPV6_RECVDSTOPTS"},
    {kIpv6, 59, "IPV6_DSTOPTS"},
    {kIpv6, 60, "IPV6_RECVPATHMTU"},
    {kIpv6, 62, "IPV6_DONTFRAG"},
    {kIpv6, 66, "IPV6_RECVTCLASS"},
    {kIpv6, 67, "IPV6_TCLASS"},
    {kIpv6, 70, "IPV6_AUTOFLOWLABEL"},
    {kIpv6, 72, "IPV6_ADDR_PREFERENCES"},
    {kIpv6, 73, "IPV6_MINHOPCOUNT"},
    {kIpv6, 74, "IPV6_RECVORIGDSTADDR"},
    {kIpv6, 75, "IPV6_TRANSPARENT", OptionKind::kPrivileged},
    {kIpv6, 76, "IPV6_UNICAST_IF", OptionKind::kNetOrder},
    {kIpv6, 77, "IPV6_RECVFRAGSIZE"},
    {kIpv6, 78, "IPV6_FREEBIND"},
    {kTcp, 1, "TCP_NODELAY"},
    {kTcp, 2, "TCP_MAXSEG", OptionKind::kSettled},
    {kTcp, 4, "TCP_KEEPIDLE"},
    {kTcp, 5, "TCP_KEEPINTVL"},
    {kTcp, 6, "TCP_KEEPCNT"},
    {kTcp, 7, "TCP_SYNCNT"},
    {kTcp, 8, "TCP_LINGER2"},
    {kTcp, 9, "TCP_DEFER_ACCEPT"},
    {kTcp, 10, "TCP_WINDOW_CLAMP", OptionKind::kSettled},
    {kTcp, 13, "TCP_CONGESTION"},
    {kTcp, 16, "TCP_THIN_LINEAR_TIMEOUTS"},
    {kTcp, 18, "TCP_USER_TIMEOUT"},
    {kTcp, 23, "TCP_FASTOPEN", OptionKind::kSettled},
    {kTcp, 25, "TCP_NOTSENT_LOWAT"},
    {kTcp, 27, "TCP_SAVE_SYN"},
    {kTcp, 30, "TCP_FASTOPEN_CONNECT", OptionKind::kSettled},
    {kTcp, 34, "TCP_FASTOPEN_NO_COOKIE"},
    {kTcp, 36, "TCP_INQ"},
    {kTcp, 37, "TCP_TX_DELAY"},
    {kTcp, 44, "TCP_RTO_MAX_MS"},
    {kTcp, 45, "TCP_RTO_MIN_US"},
    {kTcp, 46, "TCP_DELACK_MAX_US"},
    {kUdp, 100, "UDP_ENCAP"},
    {kUdp, 101, "UDP_NO_CHECK6_TX"},
    {kUdp, 102, "UDP_NO_CHECK6_RX"},
    {kUdp, 103, "UDP_SEGMENT"},
    {kUdp, 104, "UDP_GRO"},
    {kUdpLite, 10, "UDPLITE_SEND_CSCOV"},
    {kUdpLite, 11, "UDPLITE_RECV_CSCOV"},
    {kRaw, 1, "ICMP_FILTER"},
    {kIcmpv6, 1, "ICMPV6_FILTER"},
    {kNetlink, 3, "NETLINK_PKTINFO"},
    {kNetlink, 4, "NETLINK_BROADCAST_ERROR"},
    {kNetlink, 5, "NETLINK_NO_ENOBUFS"},
    {kNetlink, 8, "NETLINK_LISTEN_ALL_NSID"},
    {kNetlink, 10, "NETLINK_CAP_ACK"},
    {kNetlink, 11, "NETLINK_EXT_ACK"},
    {kNetlink, 12, "NETLINK_GET_STRICT_CHK"},
    {kPacket, 7, "PACKET_COPY_THRESH"},
    {kPacket, 8, "PACKET_AUXDATA"},
    {kPacket, 9, "PACKET_ORIGDEV"},
    {kPacket, 15, "PACKET_VNET_HDR"},
    {kPacket, 17, "PACKET_TIMESTAMP"},
    {kPacket, 20, "PACKET_QDISC_BYPASS"},
    {kPacket, 23, "PACKET_IGNORE_OUTGOING"},
    {kPacket, 24, "PACKET_VNET_HDR_SZ"},
    // Last: it forbids changes of the filter, which CRIU has attached by now.
    {kSocket, 44, "SO_LOCK_FILTER"},
});

}  // namespace

std::span<const KnownOption> known_options() { return kSocketOptions; }

const KnownOption* find_option(int level, int number) {
  const auto* const found = std::ranges::find_if(kSocketOptions, [&](const KnownOption& one) {
    return one.level == level && one.number == number;
  });
  return found == kSocketOptions.end() ? nullptr : found;
}

bool has_level(int level, int family, int type, int protocol) {
  switch (level) {
    case kSocket:
      return true;
    case kIp:
      return family == AF_INET || (family == AF_INET6 && type != SOCK_RAW);
    case kIpv6:
      return family == AF_INET6;
    case kTcp:
      return protocol == IPPROTO_TCP && (family == AF_INET || family == AF_INET6);
    case kUdp:
      return (protocol == IPPROTO_UDP || protocol == kUdpLite) &&
             (family == AF_INET || family == AF_INET6);
    case kUdpLite:
      return protocol == kUdpLite && (family == AF_INET || family == AF_INET6);
    case kRaw:
      return family == AF_INET && type == SOCK_RAW && protocol == IPPROTO_ICMP;
    case kIcmpv6:
      return family == AF_INET6 && type == SOCK_RAW && protocol == IPPROTO_ICMPV6;
    case kPacket:
      return family == AF_PACKET;
    case kNetlink:
      return family == AF_NETLINK;
    default:
      return false;
  }
}

bool applies(const KnownOption& option, int type) {
  if (type != SOCK_STREAM) return true;
  constexpr std::array<std::pair<int, int>, 4> kOfDatagrams = {
      {{kIp, 32}, {kIp, 33}, {kIpv6, 17}, {kIpv6, 18}}};
  return std::ranges::find(kOfDatagrams, std::pair(option.level, option.number)) ==
         kOfDatagrams.end();
}

}  // namespace reprise::attributes
