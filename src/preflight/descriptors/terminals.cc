// SPDX-License-Identifier: Apache-2.0
#include "preflight/descriptors/terminals.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <sstream>

#include "preflight/descriptors/opening.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::preflight {

using std::filesystem::path;

namespace {

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

}  // namespace

void Terminals::look(const path& process, pid_t pid) {
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

void Terminals::judge(const path& proc, std::vector<Obstacle>& found) const {
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

}  // namespace reprise::preflight
