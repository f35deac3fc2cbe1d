// SPDX-License-Identifier: Apache-2.0
//
// What descriptors are of, by kind: which CRIU has no image for (criu/files.c, dump_one_file).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

// The mounts of all mount namespaces of the container, by number: a program may have a file open
// that lies in one of another process.
class MountNumbers {
 public:
  MountNumbers(const std::filesystem::path& proc, const std::vector<pid_t>& processes);

  [[nodiscard]] bool has(const std::string& number) const {
    return numbers_.empty() || numbers_.contains(number);
  }

 private:
  std::set<std::string> numbers_;
};

// `process`: its directory in /proc.
void judge_descriptors(const std::filesystem::path& process, const MountNumbers& mounts,
                       std::vector<Obstacle>& found);

// Why something cannot be saved, whatever has it.
struct Cause {
  std::string text;
  std::string remedy;
};
// Of a file without a name ("[io_uring]"), which may be a descriptor or memory.
std::optional<Cause> judge_anonymous(std::string_view name);

// The kernel names every file of memfd_secret(2) so (mm/secretmem.c).
inline constexpr std::string_view kSecretMemory = "/secretmem (deleted)";
inline constexpr std::string_view kSecretRemedy =
    "switch it off in the program that keeps its keys in such memory: nobody else can read it, "
    "which is what it is for";

// MQUEUE_MAGIC of the kernel's ipc/mqueue.c, which no header exports.
inline constexpr long kMqueueMagic = 0x19800202;

}  // namespace reprise::preflight
