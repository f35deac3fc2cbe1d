// SPDX-License-Identifier: Apache-2.0
#include "container/task_tree.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <system_error>

#include "sys/files.h"

namespace reprise::container {

namespace fs = std::filesystem;

std::vector<pid_t> processes_of(const fs::path& proc, pid_t init) {
  std::vector<pid_t> found = {init};
  for (std::size_t next = 0; next < found.size(); ++next)
    // A child belongs to the thread that forked it.
    for (const pid_t thread : threads_of(proc, found[next])) {
      const auto children = sys::read_file(proc / std::to_string(found[next]) / "task" /
                                           std::to_string(thread) / "children");
      std::istringstream words(children.value_or(""));
      for (pid_t child = 0; words >> child;) found.push_back(child);
    }
  return found;
}

std::vector<pid_t> threads_of(const fs::path& proc, pid_t process) {
  std::vector<pid_t> threads;
  std::error_code error;
  fs::directory_iterator entry(proc / std::to_string(process) / "task", error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    if (thread > 0) threads.push_back(thread);
  }
  std::ranges::sort(threads);
  return threads;
}

std::string status_field(std::string_view status, std::string_view name) {
  while (!status.empty()) {
    const std::string_view line = status.substr(0, status.find('\n'));
    status.remove_prefix(std::min(line.size() + 1, status.size()));
    if (line.size() <= name.size() || !line.starts_with(name) || line[name.size()] != ':') continue;
    const std::size_t value = line.find_first_not_of(" \t", name.size() + 1);
    return value == std::string_view::npos ? "" : std::string(line.substr(value));
  }
  return "";
}

pid_t innermost_tid(std::string_view status) {
  const std::string ids = status_field(status, "NSpid");
  std::istringstream words(ids);
  pid_t last = 0;
  for (pid_t id = 0; words >> id;) last = id;
  return last;
}

std::string describe_process(const std::filesystem::path& process) {
  auto name = sys::read_file(process / "comm").value_or("");
  while (name.ends_with('\n')) name.pop_back();
  return "process " + process.filename().string() + (name.empty() ? "" : " (" + name + ")");
}

}  // namespace reprise::container
