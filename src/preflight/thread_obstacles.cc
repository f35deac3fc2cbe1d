// SPDX-License-Identifier: Apache-2.0
#include "preflight/thread_obstacles.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::preflight {
namespace {

using std::filesystem::path;

struct ThreadCause {
  std::string text;
  std::string remedy;
};

// 0: the same, above: another, below: unknown (one has ended, or the kernel has no kcmp).
long compare(pid_t one, pid_t other, int what) {
  return ::syscall(SYS_kcmp, one, other, what, 0, 0);
}

std::string described(const path& process) {
  auto name = sys::read_file(process / "comm").value_or("");
  while (name.ends_with('\n')) name.pop_back();
  return "process " + process.filename().string() + (name.empty() ? "" : " (" + name + ")");
}

std::string state_of(const path& task) {
  return container::status_field(sys::read_file(task / "status").value_or(""), "State");
}

constexpr std::array<std::pair<const char*, std::string_view>, 6> kNamespaces = {
    {{"net", "network"},
     {"mnt", "mount"},
     {"uts", "UTS"},
     {"ipc", "IPC"},
     {"cgroup", "cgroup"},
     {"user", "user"}}};

std::optional<ThreadCause> judge_thread_namespaces(const path& process, const path& thread) {
  for (const auto& [file, name] : kNamespaces) {
    const std::string own = sys::link_target(thread / "ns" / file);
    const std::string first = sys::link_target(process / "ns" / file);
    if (!own.empty() && !first.empty() && own != first)
      return ThreadCause{"has a thread in a " + std::string(name) + " namespace of its own",
                         "have the program use a process for that instead of a thread"};
  }
  return std::nullopt;
}

std::optional<ThreadCause> judge_thread(const path& process, pid_t first, pid_t thread) {
  if (compare(first, thread, KCMP_FS) > 0)
    return ThreadCause{"has a thread with a working directory of its own (unshare with CLONE_FS)",
                       "have the program use a process for that instead of a thread"};
  if (compare(first, thread, KCMP_FILES) > 0)
    return ThreadCause{"has a thread with descriptors of its own (unshare with CLONE_FILES)",
                       "have the program use a process for that instead of a thread"};
  return judge_thread_namespaces(process, process / "task" / std::to_string(thread));
}

// What the children of a process will live in differs from what it lives in itself.
std::optional<ThreadCause> judge_children_namespaces(const path& process) {
  constexpr std::array<std::pair<const char*, std::string_view>, 2> kForChildren = {
      {{"pid", "PID"}, {"time", "time"}}};
  for (const auto& [file, name] : kForChildren) {
    const path place = process / "ns" / (std::string(file) + "_for_children");
    std::error_code error;
    if (!std::filesystem::is_symlink(place, error)) continue;  // an older kernel
    // Empty as long as no child has been started in it.
    const std::string next = sys::link_target(place);
    const std::string own = sys::link_target(process / "ns" / file);
    if (!own.empty() && own != next)
      return ThreadCause{
          "starts its children in a " + std::string(name) + " namespace of their own",
          "have the program stay in the container's"};
  }
  return std::nullopt;
}

pid_t parent_of(const path& process) {
  pid_t parent = 0;
  const std::string text =
      container::status_field(sys::read_file(process / "status").value_or(""), "PPid");
  std::from_chars(text.data(), text.data() + text.size(), parent);
  return parent;
}

// A parent that waits for a child which it started by vfork shares its memory with it for that
// time, which passes.
bool waits_for_spawn(const path& proc, pid_t process) {
  return std::ranges::any_of(container::threads_of(proc, process), [&](pid_t thread) {
    return state_of(proc / std::to_string(process) / "task" / std::to_string(thread))
        .starts_with('D');
  });
}

std::optional<ThreadCause> judge_sharing(const path& proc, pid_t process) {
  const pid_t parent = parent_of(proc / std::to_string(process));
  if (parent == 0) return std::nullopt;
  const std::string whose = described(proc / std::to_string(parent));
  if (compare(parent, process, KCMP_VM) == 0 && !waits_for_spawn(proc, parent) &&
      compare(parent, process, KCMP_VM) == 0)
    return ThreadCause{"shares its memory with " + whose + " (clone with CLONE_VM)",
                       "have the program start a thread, or a process by fork"};
  if (compare(parent, process, KCMP_FS) == 0)
    return ThreadCause{"shares its working directory with " + whose + " (clone with CLONE_FS)",
                       "have the program start a thread, or a process by fork"};
  return std::nullopt;
}

std::optional<ThreadCause> judge_process(const path& proc, pid_t process, bool is_first) {
  const path directory = proc / std::to_string(process);
  const std::vector<pid_t> threads = container::threads_of(proc, process);
  if (threads.size() > 1 && state_of(directory).starts_with('Z'))
    return ThreadCause{"goes on although its first thread has ended",
                       "have the program's first thread wait for the others"};
  if (state_of(directory).starts_with('Z')) return std::nullopt;
  for (const pid_t thread : threads)
    if (thread != process)
      if (auto cause = judge_thread(directory, process, thread)) return cause;
  if (auto cause = judge_children_namespaces(directory)) return cause;
  // The first one's parent is no part of the container.
  return is_first ? std::nullopt : judge_sharing(proc, process);
}

}  // namespace

std::vector<Obstacle> examine_threads(const path& proc, const std::vector<pid_t>& processes) {
  std::vector<Obstacle> found;
  if (proc != "/proc" || processes.empty()) return found;
  for (const pid_t process : processes)
    if (auto cause = judge_process(proc, process, process == processes.front()))
      found.push_back({described(proc / std::to_string(process)), std::move(cause->text),
                       std::move(cause->remedy)});
  return found;
}

}  // namespace reprise::preflight
