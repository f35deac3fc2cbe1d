// SPDX-License-Identifier: Apache-2.0
#include "sys/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>

#include "sys/files.h"

namespace reprise::sys {

namespace {

// The calling thread in another namespace, until the end of this object.
class NamespaceEntry {
 public:
  static Result<NamespaceEntry> enter(const path& target, const path& own, int type) {
    NamespaceEntry entry(REPRISE_PASS(open_file(own, O_RDONLY)));
    const UniqueFd there = REPRISE_PASS(open_file(target, O_RDONLY));
    if (::setns(there.get(), type) != 0)
      return base::fail_errno(errno, "entering '" + target.string() + "'");
    return entry;
  }
  // Into one that is made for it.
  static Result<NamespaceEntry> unshare(const path& own, int type) {
    NamespaceEntry entry(REPRISE_PASS(open_file(own, O_RDONLY)));
    if (::unshare(type) != 0) return base::fail_errno(errno, "making a namespace");
    return entry;
  }
  NamespaceEntry(NamespaceEntry&&) = default;
  NamespaceEntry& operator=(NamespaceEntry&&) = delete;
  NamespaceEntry(const NamespaceEntry&) = delete;
  NamespaceEntry& operator=(const NamespaceEntry&) = delete;
  ~NamespaceEntry() {
    // To go on in somebody else's namespace would do damage that nobody could explain.
    if (back_.valid()) REPRISE_ASSERT(::setns(back_.get(), 0) == 0);
  }

 private:
  explicit NamespaceEntry(UniqueFd back) : back_(std::move(back)) {}
  UniqueFd back_;
};

Result<NamespaceEntry> enter_uts(pid_t pid) {
  return NamespaceEntry::enter("/proc/" + std::to_string(pid) + "/ns/uts",
                               "/proc/thread-self/ns/uts", CLONE_NEWUTS);
}

}  // namespace

base::Result<std::string> host_name_of(pid_t pid) {
  const NamespaceEntry entry = REPRISE_PASS(enter_uts(pid));
  utsname name{};
  if (::uname(&name) != 0) return base::fail_errno(errno, "asking for the host name");
  return std::string(static_cast<const char*>(name.nodename));
}

base::Result<void> set_host_name_of(pid_t pid, const std::string& name) {
  const NamespaceEntry entry = REPRISE_PASS(enter_uts(pid));
  if (::sethostname(name.c_str(), name.size()) != 0)
    return base::fail_errno(errno, "setting the host name '" + name + "'");
  return {};
}

base::Result<void> in_network(const std::filesystem::path& file,
                              const std::function<base::Result<void>()>& work) {
  const NamespaceEntry entry =
      REPRISE_PASS(NamespaceEntry::enter(file, "/proc/thread-self/ns/net", CLONE_NEWNET));
  return work();
}

base::Result<bool> is_own_network(const std::filesystem::path& file) {
  struct stat theirs{};
  struct stat own{};
  if (::stat(file.c_str(), &theirs) != 0)
    return base::fail_errno(errno, "looking at '" + file.string() + "'");
  if (::stat("/proc/thread-self/ns/net", &own) != 0)
    return base::fail_errno(errno, "looking at the own network namespace");
  return theirs.st_dev == own.st_dev && theirs.st_ino == own.st_ino;
}

base::Result<void> in_new_network(const std::function<base::Result<void>()>& work) {
  const NamespaceEntry entry =
      REPRISE_PASS(NamespaceEntry::unshare("/proc/thread-self/ns/net", CLONE_NEWNET));
  return work();
}

}  // namespace reprise::sys
