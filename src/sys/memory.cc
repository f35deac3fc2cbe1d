// SPDX-License-Identifier: Apache-2.0
#include "sys/memory.h"

#include <sstream>
#include <string>

#include "sys/files.h"

namespace reprise::sys {

std::uint64_t available_memory() {
  std::istringstream lines(read_file("/proc/meminfo").value_or(""));
  constexpr std::uint64_t kKilo = 1024;
  std::string name;
  std::uint64_t kilobytes = 0;
  std::string rest;
  while (lines >> name >> kilobytes && std::getline(lines, rest))
    if (name == "MemAvailable:") return kilobytes * kKilo;
  return 0;
}

}  // namespace reprise::sys
