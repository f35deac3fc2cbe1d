// SPDX-License-Identifier: Apache-2.0
//
// One descriptor of a process, and what it opens.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace reprise::preflight {

// For people: "process 7 (nginx), descriptor 3".
std::string descriptor_of(const std::filesystem::path& process, int number);

// Whether both are one opening, made so by dup or fork. A system call.
bool is_same_opening(pid_t one, int descriptor, pid_t other, int others);

}  // namespace reprise::preflight
