// SPDX-License-Identifier: Apache-2.0
//
// What /proc lists. Processes and descriptors come and go while it is read: what has gone is left
// out, and nothing here fails.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace reprise::sys {

// Where a symbolic link leads; empty if there is none (any more).
std::string link_target(const std::filesystem::path& link);

// All processes (thread group leaders) that `proc` lists, sorted.
std::vector<pid_t> processes_in(const std::filesystem::path& proc);

struct OpenFile {
  int number = 0;
  std::string target;  // "/dev/null", "socket:[4711]", "/tmp/x (deleted)"
  bool operator==(const OpenFile&) const = default;
};

// The open descriptors of the process (or thread) with this directory in /proc, in order of their
// numbers.
std::vector<OpenFile> open_files_of(const std::filesystem::path& process);

}  // namespace reprise::sys
