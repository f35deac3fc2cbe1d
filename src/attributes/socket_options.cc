// SPDX-License-Identifier: Apache-2.0
#include "attributes/socket_options.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "attributes/internal/multicast.h"
#include "attributes/internal/socket_option_table.h"
#include "attributes/internal/unix_files.h"
#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/proc_entries.h"
#include "sys/process.h"

namespace reprise::attributes {

using base::Result;
using std::filesystem::path;

namespace {

struct SocketKind {
  int family = 0;
  int type = 0;
  int protocol = 0;
  auto operator<=>(const SocketKind&) const = default;
  [[nodiscard]] bool is_internet() const { return family == AF_INET || family == AF_INET6; }
};

std::optional<std::string> read_option(int fd, int level, int number) {
  std::array<char, kMostOptionBytes> value{};
  socklen_t size = value.size();
  if (::getsockopt(fd, level, number, value.data(), &size) != 0) return std::nullopt;
  return std::string(value.data(), std::min<std::size_t>(size, value.size()));
}

int int_option(int fd, int level, int number) {
  int value = 0;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, level, number, &value, &size) == 0 ? value : 0;
}

SocketKind kind_of(int fd) {
  return {.family = int_option(fd, SOL_SOCKET, SO_DOMAIN),
          .type = int_option(fd, SOL_SOCKET, SO_TYPE),
          .protocol = int_option(fd, SOL_SOCKET, SO_PROTOCOL)};
}

// Neither connected nor about to be.
bool is_settled(int fd, const SocketKind& kind) {
  if (kind.protocol != IPPROTO_TCP) return true;
  std::uint8_t state = 0;  // the first field of struct tcp_info
  socklen_t size = sizeof(state);
  constexpr std::uint8_t kClose = 7;
  constexpr std::uint8_t kListen = 10;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &size) == 0 &&
         (state == kClose || state == kListen);
}

std::uint32_t number_in(const std::string& value) {
  std::uint32_t number = 0;
  std::memcpy(&number, value.data(), std::min(value.size(), sizeof(number)));
  return number;
}

std::string bytes_of(std::uint32_t number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

std::string device_named(int fd, const KnownOption& known, const std::string& value) {
  const std::uint32_t number = number_in(value);
  switch (known.kind) {
    case OptionKind::kInterface:
      return interface_name(fd, static_cast<int>(number));
    case OptionKind::kNetOrder:
      return interface_name(fd, static_cast<int>(ntohl(number)));
    case OptionKind::kAddress:
      return interface_with_address(fd, number);
    default:
      return "";
  }
}

// CRIU makes them without their addresses.
bool loses_addresses(const SocketKind& kind) {
  return kind.is_internet() && (kind.type == SOCK_RAW || kind.protocol == IPPROTO_ICMP ||
                                kind.protocol == IPPROTO_ICMPV6);
}

using AddressCall = int (*)(int, sockaddr*, socklen_t*);

// With what getsockname or getpeername says; empty for none.
std::string read_address(int fd, AddressCall call) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  if (call(fd, address, &size) != 0 || size > sizeof(storage)) return {};
  return {reinterpret_cast<const char*>(&storage), size};
}

std::string address_of(int fd, const SocketKind& kind) {
  // What every socket of the kind has that is bound to nothing: the family, and a raw one its
  // protocol in the place of a port.
  constexpr std::size_t kBehindPort = offsetof(sockaddr_in, sin_addr);
  std::string address = read_address(fd, ::getsockname);
  const std::size_t begin = kind.type == SOCK_RAW ? kBehindPort : offsetof(sockaddr_in, sin_port);
  if (address.find_first_not_of('\0', begin) == std::string::npos) return {};
  return address;
}

// Reads sockets of one container.
class Reading {
 public:
  explicit Reading(const path& proc) : proc_(proc) {}

  void read(pid_t process, std::vector<SocketRecord>& records) {
    pid_t inside = 0;
    for (const sys::OpenFile& file : sys::open_files_of(proc_ / std::to_string(process))) {
      if (!file.target.starts_with("socket:[") || !seen_.insert(file.target).second) continue;
      const auto copy = sys::copy_descriptor(process, file.number);
      if (!copy) continue;
      if (inside == 0) inside = pid_inside(process);
      SocketRecord record{.pid = inside,
                          .descriptor = file.number,
                          .options = {},
                          .groups = {},
                          .file = {},
                          .address = {},
                          .peer = {}};
      const SocketKind kind = kind_of(copy->get());
      read_options(copy->get(), kind, record);
      if (kind.is_internet() && kind.type != SOCK_STREAM)
        record.groups = memberships_of(copy->get(), groups_of(process));
      if (loses_addresses(kind)) {
        record.address = address_of(copy->get(), kind);
        record.peer = read_address(copy->get(), ::getpeername);
      }
      if (kind.family == AF_UNIX)
        record.file = moved_file(copy->get(), proc_ / std::to_string(process) / "root");
      if (!record.options.empty() || !record.groups.empty() || record.file ||
          !record.address.empty() || !record.peer.empty())
        records.push_back(std::move(record));
    }
  }

 private:
  [[nodiscard]] pid_t pid_inside(pid_t process) const {
    return container::innermost_tid(
        sys::read_file(proc_ / std::to_string(process) / "status").value_or(""));
  }

  void read_options(int fd, const SocketKind& kind, SocketRecord& record) {
    const std::map<const KnownOption*, std::string>& usual = usual_for(kind);
    const bool settled = is_settled(fd, kind);
    for (const KnownOption& known : known_options()) {
      if (!has_level(known.level, kind.family, kind.type, kind.protocol) ||
          !applies(known, kind.type))
        continue;
      if (known.kind == OptionKind::kSettled && !settled) continue;
      auto value = read_option(fd, known.level, known.number);
      if (!value) continue;
      const auto found = usual.find(&known);
      if (found != usual.end() && found->second == *value) continue;
      SocketOption option{
          .level = known.level, .number = known.number, .value = std::move(*value), .device = {}};
      option.device = device_named(fd, known, option.value);
      record.options.push_back(std::move(option));
    }
  }

  // What a new socket has: most of a container's sockets have little else, and need no record.
  const std::map<const KnownOption*, std::string>& usual_for(const SocketKind& kind) {
    const auto [at, is_new] = usual_.try_emplace(kind);
    if (!is_new) return at->second;
    const sys::UniqueFd fresh(::socket(kind.family, kind.type | SOCK_CLOEXEC, kind.protocol));
    if (!fresh.valid()) return at->second;
    for (const KnownOption& known : known_options())
      if (has_level(known.level, kind.family, kind.type, kind.protocol))
        if (auto value = read_option(fresh.get(), known.level, known.number))
          at->second.emplace(&known, std::move(*value));
    return at->second;
  }

  // Of the network namespace of a process.
  const std::vector<JoinedGroup>& groups_of(pid_t process) {
    const path directory = proc_ / std::to_string(process);
    const auto [at, is_new] = groups_.try_emplace(sys::link_target(directory / "ns/net"));
    if (!is_new) return at->second;
    at->second = parse_igmp(sys::read_file(directory / "net/igmp").value_or(""));
    for (JoinedGroup& one : parse_igmp6(sys::read_file(directory / "net/igmp6").value_or("")))
      at->second.push_back(std::move(one));
    return at->second;
  }

  const path& proc_;
  std::set<std::string> seen_;
  std::map<SocketKind, std::map<const KnownOption*, std::string>> usual_;
  std::map<std::string, std::vector<JoinedGroup>> groups_;
};

bool may_configure_network(std::string_view status) {
  constexpr unsigned kCapNetAdmin = 12;
  constexpr unsigned kCapNetRaw = 13;
  constexpr int kHex = 16;
  const auto bounding =
      std::strtoull(container::status_field(status, "CapBnd").c_str(), nullptr, kHex);
  return ((bounding >> kCapNetAdmin) & 1) != 0 || ((bounding >> kCapNetRaw) & 1) != 0;
}

// The value for this network namespace, where interfaces may have other numbers and addresses.
std::optional<std::string> value_here(int fd, const KnownOption& known,
                                      const SocketOption& option) {
  const bool names = known.kind == OptionKind::kInterface || known.kind == OptionKind::kNetOrder ||
                     known.kind == OptionKind::kAddress;
  if (!names || option.device.empty()) return option.value;
  const int number = interface_number(fd, option.device);
  if (number == 0) return std::nullopt;
  if (known.kind == OptionKind::kInterface) return bytes_of(static_cast<std::uint32_t>(number));
  if (known.kind == OptionKind::kNetOrder)
    return bytes_of(htonl(static_cast<std::uint32_t>(number)));
  ip_mreqn request{};
  request.imr_address.s_addr = address_of_interface(fd, option.device);
  request.imr_ifindex = number;
  return std::string(reinterpret_cast<const char*>(&request), sizeof(request));
}

// Empty if it has that value now.
std::string set_option(int fd, const SocketOption& option, std::string_view status) {
  const KnownOption* known = find_option(option.level, option.number);
  if (known == nullptr) return "unknown";
  if (read_option(fd, option.level, option.number) == option.value &&
      known->kind != OptionKind::kAddress)
    return "";
  if (known->kind == OptionKind::kPrivileged && !may_configure_network(status))
    return std::string(known->name) + ": needs CAP_NET_ADMIN or CAP_NET_RAW";
  const auto value = value_here(fd, *known, option);
  if (!value) return std::string(known->name) + ": there is no interface '" + option.device + "'";
  if (::setsockopt(fd, option.level, option.number, value->data(),
                   static_cast<socklen_t>(value->size())) == 0)
    return "";
  return std::string(known->name) + ": " + std::strerror(errno);
}

std::string text_of(const GroupMembership& membership) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(membership.level == IPPROTO_IP ? AF_INET : AF_INET6, membership.group.data(),
              text.data(), text.size());
  return std::string("multicast group '") + text.data() + "'";
}

// Empty if all is well.
std::string set_address(int fd, const std::string& wanted, AddressCall read,
                        int (*set)(int, const sockaddr*, socklen_t)) {
  if (wanted.empty() || read_address(fd, read) == wanted) return {};
  sockaddr_storage storage{};
  std::memcpy(&storage, wanted.data(), std::min(wanted.size(), sizeof(storage)));
  if (set(fd, reinterpret_cast<const sockaddr*>(&storage), static_cast<socklen_t>(wanted.size())) ==
      0)
    return {};
  return std::strerror(errno);
}

// Connected already, it has got a number of the kernel's choice, and cannot be bound any more.
void disconnect(int fd) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  ::connect(fd, &nobody, sizeof(nobody));
}

void set_socket(int fd, const SocketRecord& record, std::string_view status, const path& root,
                std::vector<std::string>& failed) {
  const std::string where = " (descriptor " + std::to_string(record.descriptor) + " of process " +
                            std::to_string(record.pid) + ")";
  for (const SocketOption& option : record.options)
    if (const std::string why = set_option(fd, option, status); !why.empty())
      failed.push_back(why + where);
  for (const GroupMembership& membership : record.groups)
    if (const Result<void> joined = join_group(fd, membership); !joined)
      failed.push_back(text_of(membership) + ": " + joined.error().message() + where);
  if (!record.address.empty() && read_address(fd, ::getsockname) != record.address) disconnect(fd);
  if (const std::string why = set_address(fd, record.address, ::getsockname, ::bind); !why.empty())
    failed.push_back("the address that it was bound to: " + why + where);
  if (const std::string why = set_address(fd, record.peer, ::getpeername, ::connect); !why.empty())
    failed.push_back("the address that it was connected to: " + why + where);
  if (record.file)
    if (const Result<void> moved = move_file(*record.file, root); !moved)
      failed.push_back(moved.error().message() + where);
}

}  // namespace

std::vector<SocketRecord> read_sockets(const path& proc, pid_t init) {
  std::vector<SocketRecord> records;
  Reading reading(proc);
  for (const pid_t process : container::processes_of(proc, init)) reading.read(process, records);
  return records;
}

std::vector<std::string> set_sockets(const path& proc, pid_t init,
                                     const std::vector<SocketRecord>& sockets) {
  std::vector<std::string> failed;
  std::multimap<pid_t, const SocketRecord*> wanted;
  for (const SocketRecord& one : sockets) wanted.emplace(one.pid, &one);
  for (const pid_t process : container::processes_of(proc, init)) {
    const std::string status =
        sys::read_file(proc / std::to_string(process) / "status").value_or("");
    const auto [begin, end] = wanted.equal_range(container::innermost_tid(status));
    for (auto at = begin; at != end; ++at) {
      const auto copy = sys::copy_descriptor(process, at->second->descriptor);
      if (copy)
        set_socket(copy->get(), *at->second, status, proc / std::to_string(init) / "root", failed);
      else
        failed.push_back("the options of a socket: " + copy.error().message());
    }
  }
  return failed;
}

}  // namespace reprise::attributes
