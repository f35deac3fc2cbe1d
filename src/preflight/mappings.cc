// SPDX-License-Identifier: Apache-2.0
#include "preflight/mappings.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "container/task_tree.h"
#include "preflight/descriptors/kinds.h"
#include "sys/files.h"

namespace reprise::preflight {

using std::filesystem::path;

namespace {

struct Mapping {
  std::string_view range;  // "7f0000000000-7f0000001000"
  std::string_view what;   // a path, "[heap]", "anon_inode:[perf_event]", or nothing
};

// One line of /proc/PID/maps: range, permissions, offset, device, inode, blanks, what.
Mapping parse_mapping(std::string_view line) {
  Mapping mapping{.range = line.substr(0, line.find(' ')), .what = {}};
  constexpr int kFieldsBefore = 5;
  for (int i = 0; i < kFieldsBefore; ++i) {
    const std::size_t end = line.find(' ');
    if (end == std::string_view::npos) return mapping;
    line.remove_prefix(end + 1);
  }
  if (const std::size_t begin = line.find_first_not_of(' '); begin != std::string_view::npos)
    mapping.what = line.substr(begin);
  return mapping;
}

std::optional<Cause> judge_device_memory(const path& process, const Mapping& mapping) {
  const path file = process / "map_files" / mapping.range;
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0 || !S_ISCHR(status.st_mode)) return std::nullopt;
  return Cause{"has memory of the device '" + std::string(mapping.what) + "' mapped",
               "have the program unmap it before the checkpoint"};
}

std::optional<Cause> judge_mapping(const path& process, const Mapping& mapping) {
  constexpr std::string_view kAnonymous = "anon_inode:";
  if (mapping.what == "[uprobes]")
    return Cause{"is being probed (uprobes)", "end the tracing (perf, bpftrace) of this program"};
  if (mapping.what == kSecretMemory)
    return Cause{"has secret memory (memfd_secret)", std::string(kSecretRemedy)};
  if (mapping.what.starts_with("/dev/") && !mapping.what.starts_with("/dev/shm/") &&
      !mapping.what.starts_with("/dev/zero"))
    return judge_device_memory(process, mapping);
  if (!mapping.what.starts_with(kAnonymous)) return std::nullopt;
  auto cause = judge_anonymous(mapping.what.substr(kAnonymous.size()));
  if (cause) cause->text = "has memory of '" + std::string(mapping.what) + "' mapped";
  return cause;
}

}  // namespace

void judge_mappings(const path& process, std::vector<Obstacle>& found) {
  const std::string maps = sys::read_file(process / "maps").value_or("");
  std::string_view last;
  std::string_view rest = maps;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const Mapping mapping = parse_mapping(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (mapping.what.empty() || mapping.what == std::exchange(last, mapping.what)) continue;
    if (auto cause = judge_mapping(process, mapping))
      found.push_back(
          {container::describe_process(process), std::move(cause->text), std::move(cause->remedy)});
  }
}

}  // namespace reprise::preflight
