// SPDX-License-Identifier: Apache-2.0
#include "preflight/not_kept.h"

#include <fcntl.h>
#include <sys/prctl.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>

#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::preflight {
namespace {

using std::filesystem::path;

constexpr std::array kRows = std::to_array<NotKeptRow>({
#define NOT_KEPT(key, what, becomes) {NotKept::key, what, becomes},
#include "preflight/not_kept.def"
#undef NOT_KEPT
});

bool has_core_cookie(pid_t process) {
  constexpr int kCoreScheduling = 62;  // PR_SCHED_CORE
  constexpr int kGet = 0;
  constexpr int kOneThread = 0;
  unsigned long long cookie = 0;
  return ::prctl(kCoreScheduling, kGet, process, kOneThread, &cookie) == 0 && cookie != 0;
}

bool has_names(const path& process) {
  return sys::read_file(process / "maps").value_or("").find(" [anon:") != std::string::npos;
}

// The inodes of the UDP sockets of a network namespace in which something is unread.
std::set<std::string> unread_sockets(const path& process) {
  // "  0: 0100007F:14E9 00000000:0000 07 00000000:00000300 00:00000000 00000000 0 0 4711 2 …"
  constexpr int kQueues = 4;
  constexpr int kInode = 9;
  std::set<std::string> unread;
  for (const char* list : {"net/udp", "net/udp6"}) {
    std::istringstream lines(sys::read_file(process / list).value_or(""));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string queues;
      std::string word;
      for (int i = 0; i <= kInode && words >> word; ++i)
        if (i == kQueues) queues = word;
      if (const std::size_t colon = queues.find(':');
          colon != std::string::npos &&
          queues.find_first_not_of('0', colon + 1) != std::string::npos)
        unread.insert("socket:[" + word + "]");
    }
  }
  return unread;
}

// The sockets of a namespace may be those of others.
bool has_unread(const path& process, const std::set<std::string>& unread) {
  if (unread.empty()) return false;
  for (const sys::OpenFile& file : sys::open_files_of(process))
    if (unread.contains(file.target)) return true;
  return false;
}

// What the kernel sends to the parent at the process's end, by /proc/PID/stat.
bool has_own_exit_signal(const path& process) {
  constexpr int kUsual = 17;           // SIGCHLD, which a process that lost its parent gets as well
  constexpr int kExitSignal = 38 - 2;  // counted from behind the name, which is the second field
  const std::string text = sys::read_file(process / "stat").value_or("");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 0; i < kExitSignal; ++i)
    if (!(fields >> field)) return false;
  return field != std::to_string(kUsual);
}

// Files of pressure that are open for writing, as a trigger needs it.
bool has_trigger(const path& process) {
  for (const sys::OpenFile& file : sys::open_files_of(process)) {
    if (!file.target.starts_with("/proc/pressure/") && !file.target.ends_with(".pressure"))
      continue;
    const auto info = sys::read_file(process / "fdinfo" / std::to_string(file.number));
    constexpr int kOctal = 8;
    const std::string flags = container::status_field(info.value_or(""), "flags");
    if ((std::strtoul(flags.c_str(), nullptr, kOctal) & O_ACCMODE) != O_RDONLY) return true;
  }
  return false;
}

// Beside the two files that each has.
bool has_formats(const path& process) {
  std::istringstream lines(sys::read_file(process / "mountinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (!line.contains(" - binfmt_misc ")) continue;
    std::istringstream words(line);
    std::string word;
    constexpr int kMountPoint = 4;
    for (int i = 0; i <= kMountPoint; ++i) words >> word;
    constexpr int kOwnFiles = 2;
    std::error_code error;
    const auto files =
        std::distance(std::filesystem::directory_iterator(path(process) += "/root" + word, error),
                      std::filesystem::directory_iterator());
    if (!error && files > kOwnFiles) return true;
  }
  return false;
}

}  // namespace

std::span<const NotKeptRow> not_kept() { return kRows; }

std::vector<SeenLoss> seen_losses(pid_t init, Losses which) {
  std::vector<SeenLoss> seen;
  std::set<NotKept> told;
  const auto tell = [&](bool has, const path& process, NotKept key) {
    if (has && told.insert(key).second)
      seen.push_back({container::describe_process(process), &kRows[static_cast<std::size_t>(key)]});
  };
  const auto unread = unread_sockets("/proc/" + std::to_string(init));
  const path first = "/proc/" + std::to_string(init);
  tell(has_formats(first), first, NotKept::kFormats);
  for (const pid_t pid : container::processes_of("/proc", init)) {
    const path process = "/proc/" + std::to_string(pid);
    tell(has_core_cookie(pid), process, NotKept::kCoreScheduling);
    if (which == Losses::kAll && !told.contains(NotKept::kNames))
      tell(has_names(process), process, NotKept::kNames);
    tell(pid != init && has_own_exit_signal(process), process, NotKept::kExitSignals);
    tell(!told.contains(NotKept::kPressure) && has_trigger(process), process, NotKept::kPressure);
    tell(!told.contains(NotKept::kDatagrams) && has_unread(process, unread), process,
         NotKept::kDatagrams);
  }
  return seen;
}

}  // namespace reprise::preflight
