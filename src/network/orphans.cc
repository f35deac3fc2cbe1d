// SPDX-License-Identifier: Apache-2.0
#include "network/orphans.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>
#include <utility>

#include "container/task_tree.h"
#include "network/ip_address.h"
#include "sys/proc_entries.h"
#include "sys/process.h"

namespace reprise::network {

using base::ErrorCode;
using base::Result;

namespace {

int option_of(const sys::UniqueFd& socket, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(socket.get(), SOL_SOCKET, option, &value, &size) == 0 ? value : 0;
}

// A socket in repair mode, as CRIU has them while it makes them, says nothing when it is closed.
Result<void> silence_one(pid_t pid, int fd) {
  auto copied = sys::copy_descriptor(pid, fd);
  // It has closed it, or has ended: there is nothing that could speak.
  const bool is_gone = !copied && (copied.error().code() == ErrorCode::kGone ||
                                   copied.error().error_number() == EBADF);
  if (is_gone) return {};
  const sys::UniqueFd socket = REPRISE_PASS(std::move(copied));
  if (option_of(socket, SO_PROTOCOL) != IPPROTO_TCP || option_of(socket, SO_ACCEPTCONN) != 0)
    return {};
  const int on = 1;
  if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) == 0) return {};
  return base::fail_errno(errno, "silencing a socket");
}

std::string endpoint(const std::string& address, std::uint16_t port) {
  return bracketed(address) + ":" + std::to_string(port);
}

bool is_same_end(const Connection& one, const Connection& other) {
  return one.local == other.local && one.local_port == other.local_port && one.peer == other.peer &&
         one.peer_port == other.peer_port;
}

}  // namespace

Result<void> silence_sockets(const std::filesystem::path& proc, pid_t init) {
  Result<void> first{};
  for (const pid_t process : container::processes_of(proc, init))
    for (const auto& [fd, target] : sys::open_files_of(proc / std::to_string(process))) {
      if (!target.starts_with("socket:[")) continue;
      if (auto done = silence_one(process, fd); !done && first) first = std::move(done);
    }
  return first;
}

std::vector<Connection> orphans_among(const std::vector<Connection>& present,
                                      const std::vector<Connection>& ours) {
  std::vector<Connection> orphans;
  std::ranges::copy_if(present, std::back_inserter(orphans), [&](const Connection& found) {
    return found.inode == 0 && std::ranges::any_of(ours, [&](const Connection& one) {
             return is_same_end(found, one);
           });
  });
  return orphans;
}

Result<void> end_orphans(const NetworkNamespace& network, const std::vector<Connection>& ours) {
  const auto present = REPRISE_PASS(list_connections(network));
  return destroy_sockets(network, orphans_among(present, ours));
}

Result<void> end_all_orphans(const NetworkNamespace& network) {
  const auto present = REPRISE_PASS(list_connections(network));
  return destroy_sockets(network, orphans_among(present, present));
}

Result<void> destroy_sockets(const NetworkNamespace& network,
                             const std::vector<Connection>& connections) {
  for (const Connection& c : connections)
    REPRISE_TRY(run_inside(network,
                           {"ss", "--kill", "--tcp", "state", "connected", "src",
                            endpoint(c.local, c.local_port), "dst", endpoint(c.peer, c.peer_port)}),
                "ending the connection to '" + endpoint(c.peer, c.peer_port) + "'");
  return {};
}

}  // namespace reprise::network
