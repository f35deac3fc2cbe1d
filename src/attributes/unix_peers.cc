// SPDX-License-Identifier: Apache-2.0
#include "attributes/unix_peers.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "container/exec_sessions.h"
#include "container/task_tree.h"
#include "json/reader.h"
#include "json/writer.h"
#include "network/network.h"
#include "sys/beneath.h"
#include "sys/files.h"
#include "sys/mountinfo.h"
#include "sys/namespaces.h"
#include "sys/proc_entries.h"
#include "sys/process.h"

namespace reprise::attributes {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;
using nlohmann::json;

namespace {

using std::filesystem::path;

// --- the kernel's list

// The macros of the kernel's headers do not compile with our warnings.
constexpr std::size_t aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

// nullopt if `bytes` ends before it.
template <typename Header>
std::optional<Header> header_at(std::string_view bytes) {
  Header header{};
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

std::string_view after(std::string_view bytes, std::size_t size) {
  return bytes.substr(std::min(aligned(size), bytes.size()));
}

// What follows the header of one message.
UnixSocket read_message(std::string_view body) {
  UnixSocket socket;
  const auto message = header_at<unix_diag_msg>(body);
  if (!message) return socket;
  socket.inode = message->udiag_ino;
  socket.type = message->udiag_type;
  for (std::string_view rest = after(body, sizeof *message);;) {
    const auto attribute = header_at<nlattr>(rest);
    if (!attribute || attribute->nla_len < sizeof *attribute || attribute->nla_len > rest.size())
      break;
    const std::string_view data =
        rest.substr(sizeof *attribute, attribute->nla_len - sizeof *attribute);
    if (attribute->nla_type == UNIX_DIAG_NAME) socket.name = data;
    if (attribute->nla_type == UNIX_DIAG_PEER)
      socket.peer = header_at<std::uint32_t>(data).value_or(0);
    rest = after(rest, attribute->nla_len);
  }
  // A path may or may not come with its NUL.
  if (!socket.name.empty() && socket.name.front() != '\0')
    socket.name = socket.name.substr(0, socket.name.find('\0'));
  return socket;
}

Result<void> ask(const sys::UniqueFd& link) {
  struct {
    nlmsghdr header;
    unix_diag_req request;
  } question{};
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.request.sdiag_family = AF_UNIX;
  question.request.udiag_states = ~0U;
  question.request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER;
  if (::send(link.get(), &question, sizeof question, 0) != sizeof question)
    return fail_errno(errno, "asking for UNIX sockets");
  return {};
}

// Whether more is to come.
Result<bool> receive(const sys::UniqueFd& link, std::vector<UnixSocket>& found) {
  std::array<char, 1 << 16> buffer;
  const ssize_t n = ::recv(link.get(), buffer.data(), buffer.size(), 0);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return fail_errno(errno, "reading UNIX sockets");
  for (std::string_view rest(buffer.data(), static_cast<std::size_t>(n));;) {
    const auto header = header_at<nlmsghdr>(rest);
    if (!header || header->nlmsg_len < sizeof *header || header->nlmsg_len > rest.size())
      return true;
    if (header->nlmsg_type == NLMSG_DONE) return false;
    if (header->nlmsg_type == NLMSG_ERROR)
      return fail(ErrorCode::kUnsupported, "this kernel does not list UNIX sockets");
    found.push_back(read_message(rest.substr(sizeof *header, header->nlmsg_len - sizeof *header)));
    rest = after(rest, header->nlmsg_len);
  }
}

Result<std::vector<UnixSocket>> list_here() {
  const sys::UniqueFd link(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!link.valid()) return fail_errno(errno, "opening a netlink socket");
  REPRISE_PASS(ask(link));
  std::vector<UnixSocket> found;
  while (REPRISE_PASS(receive(link, found))) {
  }
  return found;
}

// --- who has what

struct Holder {
  pid_t pid = 0;
  int descriptor = 0;
};

std::optional<std::uint64_t> socket_inode(const std::string& target) {
  constexpr std::string_view kSocket = "socket:[";
  if (!target.starts_with(kSocket)) return std::nullopt;
  std::uint64_t inode = 0;
  const char* const begin = target.data() + kSocket.size();
  const auto [end, error] = std::from_chars(begin, target.data() + target.size(), inode);
  return error == std::errc() ? std::optional(inode) : std::nullopt;
}

std::multimap<std::uint64_t, Holder> sockets_of_all(const path& proc,
                                                    const std::vector<pid_t>& processes) {
  std::multimap<std::uint64_t, Holder> held;
  for (const pid_t pid : processes)
    for (const auto& [number, target] : sys::open_files_of(proc / std::to_string(pid)))
      if (const auto inode = socket_inode(target)) held.emplace(*inode, Holder{pid, number});
  return held;
}

std::string name_among(const std::vector<UnixSocket>& sockets, std::uint64_t inode) {
  const auto found = std::ranges::find(sockets, inode, &UnixSocket::inode);
  return found == sockets.end() ? std::string() : found->name;
}

// Linux has the accepted end of a connection in the network namespace of whoever connected.
std::string name_of(const path& proc, const std::vector<UnixSocket>& ours, pid_t pid,
                    std::uint64_t inode) {
  if (std::string name = name_among(ours, inode); !name.empty()) return name;
  const auto theirs = list_unix_sockets(proc / std::to_string(pid) / "ns/net");
  return theirs ? name_among(*theirs, inode) : std::string();
}

bool is_same_file(const struct stat& one, const path& file) {
  struct stat other{};
  return ::stat(file.c_str(), &other) == 0 && S_ISSOCK(other.st_mode) &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// The file that the other end is bound to, under the name that it has in the container: one of its
// mounts shows it, or a directory above it.
std::string path_inside(const path& proc, pid_t init, pid_t peer, const std::string& name) {
  struct stat file{};
  const path theirs = proc / std::to_string(peer) / "root";
  if (name.empty() || name.front() != '/' || ::stat((theirs.string() + name).c_str(), &file) != 0)
    return {};
  const std::string root = (proc / std::to_string(init) / "root").string();
  const auto text = sys::read_file(proc / std::to_string(init) / "mountinfo");
  if (!text) return {};
  for (const auto& mount : sys::parse_mountinfo(*text)) {
    std::string inside = mount.mount_point;
    if (is_same_file(file, root + inside)) return inside;
    // "/log", "/journal/log", …
    for (std::size_t at = name.rfind('/'); at != std::string::npos;
         at = at == 0 ? std::string::npos : name.rfind('/', at - 1))
      if (is_same_file(file, root + inside + name.substr(at))) return inside + name.substr(at);
  }
  return {};
}

Result<void> reconnect(const path& proc, pid_t init, pid_t pid, const LostPeer& peer) {
  const sys::UniqueFd socket = REPRISE_PASS(sys::copy_descriptor(pid, peer.descriptor));
  // By a short name, since a socket's address has room for 107 bytes.
  const sys::UniqueFd root =
      REPRISE_PASS(sys::open_file(proc / std::to_string(init) / "root", O_PATH | O_DIRECTORY));
  const sys::UniqueFd file = REPRISE_PASS(sys::open_beneath(root, peer.path.substr(1), O_PATH));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "/proc/self/fd/" + std::to_string(file.get());
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno(errno, "connecting to '" + peer.path + "'");
  return {};
}

}  // namespace

Result<std::vector<UnixSocket>> list_unix_sockets(const network::NetworkNamespace& ns) {
  std::vector<UnixSocket> found;
  REPRISE_PASS(sys::in_network(ns, [&]() -> Result<void> {
    found = REPRISE_PASS(list_here());
    return {};
  }));
  return found;
}

Result<std::vector<OutsidePeer>> outside_peers(const path& proc, pid_t init) {
  const std::vector<pid_t> tree = container::processes_of(proc, init);
  const auto own = sockets_of_all(proc, tree);
  const std::vector<UnixSocket> all =
      REPRISE_TRY(list_unix_sockets(proc / std::to_string(init) / "ns/net"),
                  "looking for UNIX sockets that lead out of the container");
  std::vector<UnixSocket> candidates = all;
  std::erase_if(candidates, [&](const UnixSocket& socket) {
    return socket.peer == 0 || !own.contains(socket.inode) || own.contains(socket.peer);
  });
  std::vector<OutsidePeer> found;
  if (candidates.empty()) return found;
  // What nobody has open is on its way inside of a message, which CRIU saves.
  std::vector<pid_t> others = sys::processes_in(proc);
  std::erase_if(others, [&](pid_t pid) { return std::ranges::find(tree, pid) != tree.end(); });
  const auto theirs = sockets_of_all(proc, others);
  const std::vector<pid_t> executed = container::executed_processes(proc, init);
  for (const UnixSocket& socket : candidates) {
    const auto holder = theirs.find(socket.peer);
    if (holder == theirs.end()) continue;
    const pid_t peer = holder->second.pid;
    const Holder& ours = own.find(socket.inode)->second;
    std::string name = name_of(proc, all, peer, socket.peer);
    std::string inside = path_inside(proc, init, peer, name);
    found.push_back({.pid = ours.pid,
                     .descriptor = ours.descriptor,
                     .type = socket.type,
                     .peer_pid = peer,
                     .executed = std::ranges::find(executed, peer) != executed.end(),
                     .name = std::move(name),
                     .path = std::move(inside)});
  }
  return found;
}

bool can_be_reconnected(const OutsidePeer& peer) {
  return peer.type == SOCK_DGRAM && !peer.path.empty();
}

std::string encode_lost_peers(const std::vector<LostPeer>& peers) {
  json list = json::array();
  for (const LostPeer& peer : peers)
    list.push_back({{"pid", peer.pid},
                    {"descriptor", peer.descriptor},
                    {"path", json_writer::of_bytes(peer.path)}});
  return json_writer::print(list) + "\n";
}

Result<std::vector<LostPeer>> decode_lost_peers(std::string_view text) {
  std::vector<LostPeer> peers;
  try {
    for (const json& entry : json_reader::parse(text))
      peers.push_back({.pid = entry.at("pid").get<pid_t>(),
                       .descriptor = entry.at("descriptor").get<int>(),
                       .path = json_reader::bytes_in(entry.at("path"))});
    for (const LostPeer& peer : peers)
      if (!peer.path.starts_with('/'))
        return fail(ErrorCode::kCorrupt, "'" + peer.path + "' is no path of a UNIX socket");
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                std::string("unreadable list of UNIX sockets: ") + error.what());
  }
  return peers;
}

Result<LostPeer> lost_peer(const path& proc, const OutsidePeer& peer) {
  const auto status = REPRISE_PASS(sys::read_file(proc / std::to_string(peer.pid) / "status"));
  return LostPeer{
      .pid = container::innermost_tid(status), .descriptor = peer.descriptor, .path = peer.path};
}

Result<void> disconnect_peer(const OutsidePeer& peer) {
  const sys::UniqueFd socket = REPRISE_PASS(sys::copy_descriptor(peer.pid, peer.descriptor));
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  if (::connect(socket.get(), &nowhere, sizeof nowhere) != 0)
    return fail_errno(errno, "disconnecting from '" + peer.path + "'");
  return {};
}

Result<void> reconnect_peers(const path& proc, pid_t init, const std::vector<LostPeer>& peers) {
  Result<void> first{};
  if (peers.empty()) return first;
  for (const pid_t pid : container::processes_of(proc, init)) {
    const auto status = sys::read_file(proc / std::to_string(pid) / "status");
    if (!status) continue;
    for (const LostPeer& peer : peers) {
      if (peer.pid != container::innermost_tid(*status)) continue;
      if (const auto done = reconnect(proc, init, pid, peer); !done && first) first = done;
    }
  }
  return first;
}

}  // namespace reprise::attributes
