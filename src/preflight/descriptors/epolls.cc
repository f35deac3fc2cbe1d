// SPDX-License-Identifier: Apache-2.0
#include "preflight/descriptors/epolls.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "preflight/descriptors/opening.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::preflight {

using std::filesystem::path;

namespace {

// By the file that each is, "tfd: 4 events: 19 data: 4 pos:0 ino:1a sdev:d": its descriptors.
std::map<std::string, std::vector<int>> watched_by(const path& process, int epoll) {
  std::map<std::string, std::vector<int>> watched;
  std::istringstream lines(sys::read_file(process / "fdinfo" / std::to_string(epoll)).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    int descriptor = -1;
    const std::size_t file = line.find("ino:");
    if (file != std::string::npos && words >> word && word == "tfd:" && words >> descriptor)
      watched[line.substr(file)].push_back(descriptor);
  }
  return watched;
}

// Two of them that are one opening. All eventfds, timerfds and the like are one file to the kernel.
std::optional<std::pair<int, int>> same_among(pid_t pid, const std::vector<int>& descriptors) {
  constexpr std::size_t kMostFirst = 200;  // a system call for each pair
  for (std::size_t i = 0; i < std::min(kMostFirst, descriptors.size()); ++i)
    for (std::size_t j = i + 1; j < descriptors.size(); ++j)
      if (is_same_opening(pid, descriptors[i], pid, descriptors[j]))
        return std::pair(descriptors[i], descriptors[j]);
  return std::nullopt;
}

}  // namespace

void judge_epolls(const path& proc, pid_t pid, std::vector<Obstacle>& found) {
  const path process = proc / std::to_string(pid);
  for (const sys::OpenFile& file : sys::open_files_of(process)) {
    if (file.target != "anon_inode:[eventpoll]") continue;
    for (const auto& [what, descriptors] : watched_by(process, file.number))
      if (const auto same = same_among(pid, descriptors))
        found.push_back({descriptor_of(process, file.number),
                         "is an epoll that watches one file under the descriptors " +
                             std::to_string(same->first) + " and " + std::to_string(same->second),
                         "have the program watch it under one of them (dup)"});
  }
}

}  // namespace reprise::preflight
