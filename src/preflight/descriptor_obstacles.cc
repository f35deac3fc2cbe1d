// SPDX-License-Identifier: Apache-2.0
#include "preflight/descriptor_obstacles.h"

#include <linux/kcmp.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/proc_entries.h"
#include "sys/process.h"

namespace reprise::preflight {
namespace {

using std::filesystem::path;

std::string descriptor_of(const path& process, int number) {
  return container::describe_process(process) + ", descriptor " + std::to_string(number);
}

// --- what a mount hides: criu/files-reg.c, dump_one_reg_file and dump_linked_remap

// The mounts that a process sees, by number to where they are.
std::map<std::string, std::string> mounts_of(const path& process) {
  std::map<std::string, std::string> mounts;
  std::istringstream lines(sys::read_file(process / "mountinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, parent, device, root, place;
    if (words >> number >> parent >> device >> root >> place) mounts.emplace(number, place);
  }
  return mounts;
}

class HiddenFiles {
 public:
  HiddenFiles(path proc, pid_t init) : proc_(std::move(proc)), init_(std::to_string(init)) {}

  void judge(pid_t pid, std::vector<Obstacle>& found) {
    const path process = proc_ / std::to_string(pid);
    const std::string ns = sys::link_target(process / "ns/mnt");
    // The kernel tells names as from the root of a mount namespace.
    if (ns.empty() || sys::link_target(process / "root") != "/") return;
    if (ns != namespace_) {
      namespace_ = ns;
      mounts_ = mounts_of(process);
    }
    for (const sys::OpenFile& file : sys::open_files_of(process)) {
      const std::string number = std::to_string(file.number);
      if (!may_be_hidden(file.target)) continue;
      const auto info = sys::read_file(process / "fdinfo" / number);
      // That of another process's mount has a name there only.
      if (info && mounts_.contains(container::status_field(*info, "mnt_id")))
        tell_if_hidden(process, "fd/" + number, file.target, descriptor_of(process, file.number),
                       found);
    }
    if (ns != sys::link_target(proc_ / init_ / "ns/mnt")) return;
    for (const auto& [link, what] : kOwn)
      if (const std::string name = sys::link_target(process / link); may_be_hidden(name))
        tell_if_hidden(process, link, name, container::describe_process(process) + ", " + what,
                       found);
  }

 private:
  static constexpr std::array<std::pair<const char*, const char*>, 2> kOwn = {
      {{"cwd", "working directory"}, {"exe", "program"}}};

  [[nodiscard]] bool may_be_hidden(const std::string& name) const {
    return name.starts_with('/') && !name.ends_with(" (deleted)") &&
           std::ranges::any_of(mounts_, [&](const auto& mount) {
             const std::string& place = mount.second;
             return place != "/" && name.starts_with(place) &&
                    (name.size() == place.size() || name[place.size()] == '/');
           });
  }

  static void tell_if_hidden(const path& process, const path& link, const std::string& name,
                             const std::string& subject, std::vector<Obstacle>& found) {
    if (!is_other(process, link, name)) return;
    // It may just have been renamed or deleted.
    if (sys::link_target(process / link) != name || !is_other(process, link, name)) return;
    found.push_back({subject, "is '" + name + "', which a mount on it or above it hides",
                     "have the program close or leave it, or unmount what hides it"});
  }

  static bool is_other(const path& process, const path& link, const std::string& name) {
    struct stat opened{};
    if (::stat((process / link).c_str(), &opened) != 0 ||
        (!S_ISREG(opened.st_mode) && !S_ISDIR(opened.st_mode)))
      return false;
    // What is below /proc/sys/net depends on who looks.
    struct statfs file_system{};
    if (::statfs((process / link).c_str(), &file_system) != 0 ||
        file_system.f_type == PROC_SUPER_MAGIC)
      return false;
    struct stat there{};
    if (::stat((path(process / "root") += name).c_str(), &there) != 0)
      return errno == ENOENT || errno == ENOTDIR;
    return there.st_dev != opened.st_dev || there.st_ino != opened.st_ino;
  }

  path proc_;
  std::string init_;
  std::string namespace_;
  std::map<std::string, std::string> mounts_;
};

// --- sockets: criu/sockets.c, dump_socket_filter, and criu/sk-netlink.c

std::optional<Obstacle> judge_netlink(int socket) {
  std::array<std::uint32_t, 64> groups{};
  socklen_t size = sizeof(groups);
  if (::getsockopt(socket, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups.data(), &size) != 0)
    return std::nullopt;
  const auto count = std::min(groups.size(), size / sizeof(groups[0]));
  if (std::any_of(groups.begin() + 1, groups.begin() + static_cast<std::ptrdiff_t>(count),
                  [](std::uint32_t bits) { return bits != 0; }))
    return Obstacle{"", "listens to a group above 32 of a netlink protocol",
                    "have the program leave that group before the checkpoint"};
  sockaddr_nl own{};
  socklen_t length = sizeof(own);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how the call takes an address
  const int told = ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &length);
  if (told != 0 || groups[0] == 0 || own.nl_pid != 0) return std::nullopt;
  return Obstacle{"", "listens to groups of a netlink protocol without an address of its own",
                  "have the program bind the socket (bind), as libraries do"};
}

std::optional<Obstacle> judge_socket_settings(int socket) {
  // For a filter of the classic kind the kernel tells its length.
  socklen_t length = 0;
  if (::getsockopt(socket, SOL_SOCKET, SO_GET_FILTER, nullptr, &length) != 0 && errno == EACCES)
    return Obstacle{"", "is a socket with a BPF program (SO_ATTACH_BPF)",
                    "have the program use a classic filter (SO_ATTACH_FILTER)"};
  int family = 0;
  socklen_t size = sizeof(family);
  if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 || family != AF_NETLINK)
    return std::nullopt;
  return judge_netlink(socket);
}

void judge_sockets(const path& proc, pid_t pid, std::set<std::string>& seen,
                   std::vector<Obstacle>& found) {
  const path process = proc / std::to_string(pid);
  for (const sys::OpenFile& file : sys::open_files_of(process)) {
    if (!file.target.starts_with("socket:[") || !seen.insert(file.target).second) continue;
    const auto copy = sys::copy_descriptor(pid, file.number);
    if (!copy) continue;
    if (auto obstacle = judge_socket_settings(copy->get())) {
      obstacle->subject = descriptor_of(process, file.number);
      found.push_back(std::move(*obstacle));
    }
  }
}

bool is_same_opening(pid_t one, int descriptor, pid_t other, int others) {
  return ::syscall(SYS_kcmp, one, other, KCMP_FILE, descriptor, others) == 0;
}

// --- epoll: criu/eventpoll.c, find_tfd_bsearch and eventpoll_retore_tfd

// By the file that each is, "tfd: 4 events: 19 data: 4 pos:0 ino:1a sdev:d": its descriptors.
std::map<std::string, std::vector<int>> watched_by(const path& process, int epoll) {
  std::map<std::string, std::vector<int>> watched;
  std::istringstream lines(sys::read_file(process / "fdinfo" / std::to_string(epoll)).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    int descriptor = -1;
    const std::size_t file = line.find("ino:");
    if (file != std::string::npos && words >> word && word == "tfd:" && words >> descriptor)
      watched[line.substr(file)].push_back(descriptor);
  }
  return watched;
}

// Two of them that are one opening. All eventfds, timerfds and the like are one file to the kernel.
std::optional<std::pair<int, int>> same_among(pid_t pid, const std::vector<int>& descriptors) {
  constexpr std::size_t kMostFirst = 200;  // a system call for each pair
  for (std::size_t i = 0; i < std::min(kMostFirst, descriptors.size()); ++i)
    for (std::size_t j = i + 1; j < descriptors.size(); ++j)
      if (is_same_opening(pid, descriptors[i], pid, descriptors[j]))
        return std::pair(descriptors[i], descriptors[j]);
  return std::nullopt;
}

void judge_epolls(const path& proc, pid_t pid, std::vector<Obstacle>& found) {
  const path process = proc / std::to_string(pid);
  for (const sys::OpenFile& file : sys::open_files_of(process)) {
    if (file.target != "anon_inode:[eventpoll]") continue;
    for (const auto& [what, descriptors] : watched_by(process, file.number))
      if (const auto same = same_among(pid, descriptors))
        found.push_back({descriptor_of(process, file.number),
                         "is an epoll that watches one file under the descriptors " +
                             std::to_string(same->first) + " and " + std::to_string(same->second),
                         "have the program watch it under one of them (dup)"});
  }
}

// --- terminals: criu/tty.c, tty_verify_ctty

struct Terminal {
  std::string session;
  std::string number;      // of the terminal that controls it
  std::string foreground;  // its process group there
};

Terminal terminal_of(const path& process) {
  const std::string text = sys::read_file(process / "stat").value_or("");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  std::string state, parent, group;
  Terminal terminal;
  fields >> state >> parent >> group >> terminal.session >> terminal.number >> terminal.foreground;
  return terminal;
}

// As in /proc/PID/stat.
std::string number_of_pty(const path& descriptor) {
  constexpr unsigned kFirst = 136;
  constexpr unsigned kLast = 143;
  struct stat status{};
  if (::stat(descriptor.c_str(), &status) != 0 || !S_ISCHR(status.st_mode)) return {};
  const unsigned major = ::major(status.st_rdev);
  if (major < kFirst || major > kLast) return {};
  constexpr unsigned kLowBits = 0xff;
  const unsigned minor = ::minor(status.st_rdev);
  return std::to_string((minor & kLowBits) | (major << 8U) | ((minor & ~kLowBits) << 12U));
}

class Terminals {
 public:
  // In CRIU's order: the first that has it counts.
  void look(const path& process, pid_t pid) {
    for (const sys::OpenFile& file : sys::open_files_of(process)) {
      const path descriptor = process / "fd" / std::to_string(file.number);
      if (file.target.starts_with("/dev/pts/"))
        if (const std::string number = number_of_pty(descriptor); !number.empty())
          holders_.emplace(number, pid);
      // A child has what its parent opened, which counts once.
      if (file.target == "/dev/tty" && std::ranges::none_of(by_name_, [&](const auto& known) {
            return is_same_opening(known.first, known.second, pid, file.number);
          }))
        by_name_.emplace_back(pid, file.number);
    }
  }

  void judge(const path& proc, std::vector<Obstacle>& found) const {
    for (const auto& [pid, descriptor] : by_name_) {
      const path process = proc / std::to_string(pid);
      const Terminal terminal = terminal_of(process);
      const auto holder = holders_.find(terminal.number);
      if (holder != holders_.end() && holder->second == pid &&
          terminal.foreground == terminal.session)
        continue;
      found.push_back({descriptor_of(process, descriptor),
                       "is its terminal by the name of /dev/tty, and another process has that "
                       "open itself, or is in the foreground",
                       "have the program close it, or end it before the checkpoint"});
    }
  }

 private:
  std::map<std::string, pid_t> holders_;
  std::vector<std::pair<pid_t, int>> by_name_;
};

}  // namespace

std::vector<Obstacle> examine_descriptors(const path& proc, pid_t init,
                                          const std::vector<pid_t>& processes) {
  std::vector<Obstacle> found;
  if (proc != "/proc") return found;
  HiddenFiles hidden(proc, init);
  Terminals terminals;
  std::set<std::string> seen;
  for (const pid_t pid : processes) {
    hidden.judge(pid, found);
    judge_sockets(proc, pid, seen, found);
    judge_epolls(proc, pid, found);
    terminals.look(proc / std::to_string(pid), pid);
  }
  terminals.judge(proc, found);
  return found;
}

}  // namespace reprise::preflight
