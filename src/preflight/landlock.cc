// SPDX-License-Identifier: Apache-2.0
#include "preflight/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>
#include <thread>

#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/proc_entries.h"
#include "sys/seized_thread.h"
#include "sys/twin.h"

namespace reprise::preflight {

using base::ErrorCode;
using base::fail;
using base::Result;
using std::filesystem::path;

namespace {

bool kernel_has_landlock() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

bool may_mount(std::string_view status) {
  constexpr int kCapSysAdmin = 21;
  constexpr int kHex = 16;
  const std::string text = container::status_field(status, "CapBnd");
  std::uint64_t bounding = ~std::uint64_t{0};
  std::from_chars(text.data(), text.data() + text.size(), bounding, kHex);
  return ((bounding >> kCapSysAdmin) & 1) != 0;
}

bool has_ended(std::string_view status) {
  const std::string state = container::status_field(status, "State");
  return state.empty() || state.starts_with('Z') || state.starts_with('X');
}

// The first of the ids "real effective saved file system".
std::optional<std::uint32_t> real_id(std::string_view status, std::string_view field) {
  std::istringstream words(container::status_field(status, field));
  std::uint32_t id = 0;
  return words >> id ? std::optional(id) : std::nullopt;
}

// What `outside`, an id of our user namespace, is called in one with this /proc/PID/uid_map.
std::optional<std::uint32_t> id_inside(std::string_view map, std::uint32_t outside) {
  std::istringstream words{std::string(map)};
  std::uint64_t first = 0;
  std::uint64_t first_outside = 0;
  for (std::uint64_t count = 0; words >> first >> first_outside >> count;)
    if (outside >= first_outside && outside - first_outside < count)
      return static_cast<std::uint32_t>(first + (outside - first_outside));
  return std::nullopt;
}

// Asks the threads of one container.
class Inquiry {
 public:
  Inquiry(const path& proc, pid_t init) : proc_(proc), init_(init) {
    status_of_init_ = sys::read_file(proc / std::to_string(init) / "status").value_or("");
  }

  std::optional<Confined> ask(pid_t process) {
    // Another user namespace is an obstacle of its own.
    if (user_namespace_of(process) != user_namespace_of(init_)) return std::nullopt;
    for (const pid_t thread : container::threads_of(proc_, process)) {
      const path directory = proc_ / std::to_string(process) / "task" / std::to_string(thread);
      const auto status = sys::read_file(directory / "status");
      if (!status || has_ended(*status) || !may_be_landlocked(*status, status_of_init_)) continue;
      // A debugger has it, which is an obstacle of its own.
      if (const auto tracer = container::status_field(*status, "TracerPid"); tracer != "0")
        continue;
      const Result<bool> confined = ask_thread(process, thread, *status);
      if (confined && *confined) return Confined{.process = process, .doubt = {}};
      if (!confined && confined.error().code() != ErrorCode::kGone)
        return Confined{.process = process, .doubt = confined.error().message()};
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] std::string user_namespace_of(pid_t process) const {
    return sys::link_target(proc_ / std::to_string(process) / "ns/user");
  }

  Result<bool> ask_thread(pid_t process, pid_t thread, std::string_view status) {
    const sys::Twin& twin = *REPRISE_PASS(twin_of(process, status));
    constexpr std::chrono::seconds kPatience{1};
    auto seized = REPRISE_PASS(sys::SeizedThread::seize(thread, kPatience));
    // Asked for another's list of locks, the kernel first looks whether we may know it, and only
    // then at where to put the answer, which is nowhere.
    const long answer = REPRISE_PASS(
        seized.call(SYS_get_robust_list, {static_cast<std::uint64_t>(twin.pid_inside()), 0, 0}));
    if (answer == -EFAULT) return false;
    if (answer == -EPERM && twin.has_same_label()) return true;
    return fail(ErrorCode::kUnsupported,
                "thread " + std::to_string(thread) + " was answered " + std::to_string(-answer));
  }

  // With the ids and in the namespaces of `process`.
  Result<const sys::Twin*> twin_of(pid_t process, std::string_view status) {
    const path directory = proc_ / std::to_string(process);
    const auto uid = real_id(status, "Uid");
    const auto gid = real_id(status, "Gid");
    const bool own_users =
        user_namespace_of(process) != sys::link_target("/proc/thread-self/ns/user");
    const std::string uids = REPRISE_PASS(sys::read_file(directory / "uid_map"));
    const std::string gids = REPRISE_PASS(sys::read_file(directory / "gid_map"));
    const auto uid_inside = uid && own_users ? id_inside(uids, *uid) : uid;
    const auto gid_inside = gid && own_users ? id_inside(gids, *gid) : gid;
    if (!uid_inside || !gid_inside)
      return fail(ErrorCode::kUnsupported, "its user has no name in its user namespace");
    const std::string label = sys::read_file(directory / "attr/current").value_or("");
    const std::string pids = sys::link_target(directory / "ns/pid");
    std::ostringstream key;
    key << *uid_inside << ' ' << *gid_inside << ' ' << pids << ' ' << user_namespace_of(process)
        << ' ' << label;
    auto found = twins_.find(key.str());
    if (found == twins_.end()) {
      sys::Twin twin = REPRISE_PASS(sys::Twin::make({.process = process,
                                                     .join_users = own_users,
                                                     .uid = *uid_inside,
                                                     .gid = *gid_inside,
                                                     .label = label}));
      found = twins_.emplace(key.str(), std::move(twin)).first;
    }
    return &found->second;
  }

  const path& proc_;
  pid_t init_;
  std::string status_of_init_;
  std::map<std::string, sys::Twin> twins_;
};

}  // namespace

bool may_be_landlocked(std::string_view status, std::string_view status_of_init) {
  // Neither can be got back by who gave it up, except that a capability can be given up after.
  return container::status_field(status, "NoNewPrivs") == "1" || may_mount(status) ||
         may_mount(status_of_init);
}

std::vector<Confined> find_landlocked(const path& proc, pid_t init,
                                      const std::vector<pid_t>& processes) {
  std::vector<Confined> found;
  // A copy of procfs has nobody who could be asked.
  if (proc != "/proc" || !kernel_has_landlock()) return found;
  // In a thread of its own: when that ends, the kernel lets go of a thread that did not stop.
  std::thread([&] {
    Inquiry inquiry(proc, init);
    for (const pid_t process : processes)
      if (auto confined = inquiry.ask(process)) found.push_back(std::move(*confined));
  }).join();
  return found;
}

}  // namespace reprise::preflight
