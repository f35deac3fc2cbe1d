// SPDX-License-Identifier: Apache-2.0
#include "container/cgroup.h"

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <thread>
#include <vector>

#include "sys/files.h"
#include "sys/process.h"

namespace reprise::container {

using base::ErrorCode;
using base::fail;
using base::Result;

const std::string* Cgroup::find(const std::string& controller) const {
  const auto found = paths_.find(controller);
  return found == paths_.end() ? nullptr : &found->second;
}

Result<bool> Cgroup::is_frozen() const {
  // v1 first: in the hybrid layout runc freezes by the v1 controller, though "" exists as well.
  if (const std::string* v1 = find("freezer")) {
    const std::string state = REPRISE_PASS(sys::read_file(*v1 + "/freezer.state"));
    return !state.starts_with("THAWED");
  }
  if (const std::string* v2 = find("")) {
    const std::string state = REPRISE_PASS(sys::read_file(*v2 + "/cgroup.freeze"));
    return state.starts_with('1');
  }
  return fail(ErrorCode::kUnsupported, "the container has no cgroup that can be frozen");
}

Result<bool> Cgroup::holds_tasks() const {
  Result<bool> frozen = is_frozen();
  if (frozen) return frozen;
  const ErrorCode code = frozen.error().code();
  if (code == ErrorCode::kNotFound || code == ErrorCode::kGone) return false;
  return frozen;
}

Result<bool> Cgroup::stands_still() const {
  if (const std::string* v1 = find("freezer"))
    return REPRISE_PASS(sys::read_file(*v1 + "/freezer.state")).starts_with("FROZEN");
  const std::string events = REPRISE_PASS(sys::read_file(*find("") + "/cgroup.events"));
  return events.find("frozen 1") != std::string::npos;
}

Result<void> Cgroup::write_freezer(const char* v1_state, const char* v2_state) const {
  if (const std::string* v1 = find("freezer"))
    return sys::write_control_file(*v1 + "/freezer.state", v1_state);
  if (const std::string* v2 = find(""))
    return sys::write_control_file(*v2 + "/cgroup.freeze", v2_state);
  return fail(ErrorCode::kUnsupported, "the container has no cgroup that can be frozen");
}

Result<void> Cgroup::freeze(std::chrono::milliseconds timeout) const {
  constexpr std::chrono::milliseconds kPoll{1};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  Result<bool> still = false;
  if (Result<void> written = write_freezer("FROZEN", "1"); !written)
    still = std::unexpected(std::move(written).error());
  while (still && !*still && std::chrono::steady_clock::now() < deadline) {
    still = stands_still();
    if (still && !*still) std::this_thread::sleep_for(kPoll);
  }
  if (still && *still) return {};
  return std::unexpected(
      thaw_after(still ? base::Error(ErrorCode::kBusy, "the container's tasks do not freeze")
                       : std::move(still).error()));
}

namespace {

// Of a process, in the hierarchy of `controller` ("" for v2): the path below its mount.
Result<std::string> place_of(const std::string& pid, const std::string& controller) {
  std::istringstream lines(REPRISE_PASS(sys::read_file("/proc/" + pid + "/cgroup")));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    if (line.substr(first + 1, second - first - 1) == controller) return line.substr(second + 1);
  }
  return fail(ErrorCode::kUnsupported, "process " + pid + " has no cgroup of '" + controller + "'");
}

}  // namespace

Result<void> Cgroup::expel(pid_t pid) const {
  const std::string controller = find("freezer") != nullptr ? "freezer" : "";
  const std::string* const directory = find(controller);
  if (directory == nullptr)
    return fail(ErrorCode::kUnsupported, "the container has no cgroup that can be frozen");
  const Result<std::string> theirs = place_of(std::to_string(pid), controller);
  if (!theirs) return sys::process_ref(pid) ? std::unexpected(theirs.error()) : Result<void>{};
  const std::size_t at = directory->find(*theirs);
  // Where runc put it: DIRECTORY is the mount and the path below it.
  if (*theirs == "/" || at == std::string::npos || at + theirs->size() != directory->size())
    return {};
  const std::string own = REPRISE_PASS(place_of("self", controller));
  return sys::write_control_file(directory->substr(0, at) + own + "/cgroup.procs",
                                 std::to_string(pid));
}

Result<void> Cgroup::kill_all() const {
  const std::string* directory = find("freezer");
  if (directory == nullptr) directory = find("");
  if (directory == nullptr)
    return fail(ErrorCode::kUnsupported, "the container has no cgroup that lists its tasks");
  std::vector<std::filesystem::path> lists = {std::filesystem::path(*directory) / "cgroup.procs"};
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(*directory, error), end;
       !error && entry != end; entry.increment(error))
    if (entry->is_directory()) lists.push_back(entry->path() / "cgroup.procs");
  for (const auto& list : lists) {
    std::istringstream pids(REPRISE_PASS(sys::read_file(list)));
    for (pid_t pid = 0; pids >> pid;) {
      const auto process = sys::open_pidfd(pid);
      if (!process && process.error().code() == ErrorCode::kGone) continue;
      if (!process) return std::unexpected(process.error());
      if (const auto sent = sys::send_signal(*process, SIGKILL);
          !sent && sent.error().code() != ErrorCode::kGone)
        return sent;
    }
  }
  return {};
}

Result<void> Cgroup::thaw() const {
  if (!REPRISE_PASS(holds_tasks())) return {};
  return write_freezer("THAWED", "0");
}

base::Error Cgroup::thaw_after(base::Error error) const {
  const Result<void> thawed = thaw();
  return thawed ? std::move(error) : std::move(error).with_suppressed(thawed.error());
}

// On v1 a task takes no signal while it is frozen; on v2 SIGKILL ends it all the same.
Result<void> Cgroup::end_frozen() const {
  REPRISE_PASS(kill_all());
  return thaw();
}

Result<std::string> Cgroup::allowed_cpus() const {
  std::vector<std::string> candidates;
  if (const std::string* v1 = find("cpuset")) candidates.push_back(*v1 + "/cpuset.effective_cpus");
  if (const std::string* v2 = find("")) candidates.push_back(*v2 + "/cpuset.cpus.effective");
  candidates.emplace_back("/sys/devices/system/cpu/online");
  for (const std::string& file : candidates) {
    Result<std::string> list = sys::read_file(file);
    if (!list) continue;
    while (list->ends_with('\n')) list->pop_back();
    if (!list->empty()) return list;
  }
  return fail(ErrorCode::kUnsupported, "the kernel does not tell which CPUs there are");
}

Result<std::int64_t> Cgroup::cpu_time_us() const {
  constexpr std::int64_t kNanosPerMicro = 1000;
  if (const std::string* v1 = find("cpuacct")) {
    const std::string text = REPRISE_PASS(sys::read_file(*v1 + "/cpuacct.usage"));
    return std::strtoll(text.c_str(), nullptr, 10) / kNanosPerMicro;
  }
  if (const std::string* v2 = find("")) {
    const std::string text = REPRISE_PASS(sys::read_file(*v2 + "/cpu.stat"));
    constexpr std::string_view kField = "usage_usec ";
    const std::size_t at = text.find(kField);
    if (at != std::string::npos)
      return std::strtoll(text.c_str() + at + kField.size(), nullptr, 10);
  }
  return fail(ErrorCode::kUnsupported, "the container has no cgroup that counts CPU time");
}

Result<std::uint64_t> Cgroup::shared_memory_bytes() const {
  const std::string* const v1 = find("memory");
  const std::string* const directory = v1 != nullptr ? v1 : find("");
  if (directory == nullptr)
    return fail(ErrorCode::kUnsupported, "the container has no cgroup that counts memory");
  const std::string text = REPRISE_PASS(sys::read_file(*directory + "/memory.stat"));
  std::istringstream lines(text);
  std::uint64_t bytes = 0;
  std::string name;
  for (std::uint64_t value = 0; lines >> name >> value;)
    if (name == (v1 != nullptr ? "total_shmem" : "shmem")) bytes = value;
  return bytes;
}

}  // namespace reprise::container
