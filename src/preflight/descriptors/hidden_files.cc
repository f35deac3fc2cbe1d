// SPDX-License-Identifier: Apache-2.0
#include "preflight/descriptors/hidden_files.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <utility>

#include "container/task_tree.h"
#include "preflight/descriptors/opening.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::preflight {

using std::filesystem::path;

namespace {

constexpr std::array<std::pair<const char*, const char*>, 2> kOwn = {
    {{"cwd", "working directory"}, {"exe", "program"}}};

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

bool is_other(const path& process, const path& link, const std::string& name) {
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

void tell_if_hidden(const path& process, const path& link, const std::string& name,
                    const std::string& subject, std::vector<Obstacle>& found) {
  if (!is_other(process, link, name)) return;
  // It may just have been renamed or deleted.
  if (sys::link_target(process / link) != name || !is_other(process, link, name)) return;
  found.push_back({subject, "is '" + name + "', which a mount on it or above it hides",
                   "have the program close or leave it, or unmount what hides it"});
}

}  // namespace

HiddenFiles::HiddenFiles(path proc, pid_t init)
    : proc_(std::move(proc)), init_(std::to_string(init)) {}

void HiddenFiles::judge(pid_t pid, std::vector<Obstacle>& found) {
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

bool HiddenFiles::may_be_hidden(const std::string& name) const {
  return name.starts_with('/') && !name.ends_with(" (deleted)") &&
         std::ranges::any_of(mounts_, [&](const auto& mount) {
           const std::string& place = mount.second;
           return place != "/" && name.starts_with(place) &&
                  (name.size() == place.size() || name[place.size()] == '/');
         });
}

}  // namespace reprise::preflight
