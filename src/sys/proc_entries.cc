// SPDX-License-Identifier: Apache-2.0
#include "sys/proc_entries.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace reprise::sys {

using std::filesystem::path;

namespace {

// The entries of a directory that are called by a number.
std::vector<int> numbers_in(const path& directory) {
  std::vector<int> numbers;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const char* end = name.data() + name.size();
    int number = 0;
    const auto [rest, bad] = std::from_chars(name.data(), end, number);
    if (bad == std::errc() && rest == end) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace

std::string link_target(const path& link) {
  std::error_code error;
  const path target = std::filesystem::read_symlink(link, error);
  return error ? std::string() : target.string();
}

std::vector<pid_t> processes_in(const path& proc) { return numbers_in(proc); }

std::vector<OpenFile> open_files_of(const path& process) {
  std::vector<OpenFile> files;
  for (const int number : numbers_in(process / "fd")) {
    std::string target = link_target(process / "fd" / std::to_string(number));
    if (!target.empty()) files.push_back({.number = number, .target = std::move(target)});
  }
  return files;
}

}  // namespace reprise::sys
