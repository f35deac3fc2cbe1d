// SPDX-License-Identifier: Apache-2.0
//
// The attributes of threads and processes that are kept, one by one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::attributes {

// From outside, at any time; or by the task itself, which must be able to run for that.
enum class SetBy : std::uint8_t { kUs, kTask };
enum class OwnedBy : std::uint8_t { kThread, kProcess };
// What needs no record: the value that a process of ours has, or none.
enum class Usual : std::uint8_t { kOurs, kNothing };

struct AttributeKind {
  const char* name;
  SetBy set_by;
  OwnedBy owned_by;
  Usual usual;
  // `task` is its directory in /proc. Nothing where it is as in a new process, or unknown here.
  std::optional<std::string> (*read)(const std::filesystem::path& task, pid_t tid);
  base::Result<void> (*set)(const std::filesystem::path& task, pid_t tid, const std::string& value);
};

std::span<const AttributeKind> kinds_set_by_us();
std::span<const AttributeKind> kinds_set_by_tasks();

// Of a process that runs: whether it has denied itself memory that is writable and executable,
// which nobody else can see. Stops it for a moment.
inline constexpr const char* kDenialName = "no-writable-code";
base::Result<std::optional<std::string>> ask_denial(pid_t process);

// A NUMA policy as the kernel writes it in numa_maps: "interleave=static:0-1,3".
struct NumaPolicy {
  int mode = 0;  // with its flags, as set_mempolicy(2) wants it
  std::uint64_t nodes = 0;
};
// kCorrupt for any other text, or nodes beyond the 64th.
base::Result<NumaPolicy> parse_numa_policy(std::string_view text);
// The policy in a line of numa_maps ("7f00 bind:0 file=/x mapped=1"), with blanks in its name.
std::string_view policy_in(std::string_view line);

}  // namespace reprise::attributes
