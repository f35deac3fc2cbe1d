// SPDX-License-Identifier: Apache-2.0
//
// What a file tree in somebody else's archive may consist of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "archive/tar.h"

namespace reprise::archive {

// A tree of a checkpointed container with more files than that does not exist; one that claims to
// would take our memory.
inline constexpr std::size_t kMaxEntries = 2'000'000;

// Checks the entries of one tree in their order, and remembers them. Symbolic links are data: they
// may point anywhere, since nothing is ever reached through one.
class FileTreeRules {
 public:
  // The entry's name, made canonical. kCorrupt, naming it, for
  //   - a name that is not safe (entry_name.h), stands twice, or leads through something that is
  //     no directory;
  //   - a hard link to what did not come before as a file of this tree;
  //   - devices and unknown kinds; owners that are no user or group id;
  //   - attributes that the kernel or overlayfs would act upon (trusted.*).
  // One name may stand twice: as an empty file, then as a directory. That is how `export` says
  // that the directory hides the one below it (see rootfs_changes.h); opaque_directories() has it.
  Result<std::string> admit(const Entry& entry);

  // As if something lay in `directory` (a safe name).
  Result<void> imply(const std::string& directory);

  [[nodiscard]] bool has(const std::string& name) const { return kinds_.contains(name); }
  [[nodiscard]] bool is_directory(const std::string& name) const;
  // Directories that entries lie in and that have no entry of their own.
  [[nodiscard]] std::vector<std::string> implied_directories() const;
  [[nodiscard]] const std::vector<std::string>& opaque_directories() const { return opaque_; }

 private:
  struct Seen {
    Kind kind = Kind::kDirectory;
    bool implied = false;
    bool empty = false;  // a file without contents
  };
  Result<void> admit_name(const std::string& name, const Entry& entry);
  Result<void> admit_parents(const std::string& name);
  [[nodiscard]] Result<void> check_hard_link(const std::string& name, const Entry& entry) const;

  std::unordered_map<std::string, Seen> kinds_;
  std::vector<std::string> opaque_;
};

// The attributes of an entry that a restore may set: what users and package managers set, no labels
// of the host that made it. kCorrupt, naming it, for one that must not be there.
Result<std::vector<std::pair<std::string, std::string>>> admitted_xattrs(const Entry& entry);

}  // namespace reprise::archive
