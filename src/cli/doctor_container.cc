// SPDX-License-Identifier: Apache-2.0
#include <sys/statfs.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>

#include "cli/containers.h"
#include "cli/doctor.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::cli {
namespace {

using std::filesystem::path;

// MQUEUE_MAGIC of the kernel's ipc/mqueue.c, which no header exports.
constexpr long kMqueueMagic = 0x19800202;

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::optional<pid_t> parse_pid(const std::string& text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return pid;
}

// "7 (python3)"; /proc names the program better than its pid alone.
std::string describe(const path& process) {
  const auto name = sys::read_file(process / "comm");
  return "process " + process.filename().string() + (name ? " (" + trimmed(*name) + ")" : "");
}

// The value of "NAME:\tvalue" in /proc/PID/status.
std::string status_field(const std::string& status, std::string_view name) {
  std::size_t begin = 0;
  while (begin < status.size()) {
    const std::size_t end = std::min(status.find('\n', begin), status.size());
    const std::string_view line = std::string_view(status).substr(begin, end - begin);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') {
      const std::size_t value = line.find_first_not_of(" \t", name.size() + 1);
      return value == std::string_view::npos ? "" : std::string(line.substr(value));
    }
    begin = end + 1;
  }
  return "";
}

struct DescriptorRule {
  std::string_view link;  // how the link in /proc/PID/fd begins
  Health health;
  std::string_view what;
  std::string_view remedy;
};

// What CRIU 4.2 has no image for. The first rule that fits counts.
constexpr std::array<DescriptorRule, 5> kDescriptorRules = {{
    {"anon_inode:[io_uring]", Health::kFail, "an io_uring",
     "have the program use another I/O method (libuv: UV_USE_IO_URING=0)"},
    {"anon_inode:bpf-map", Health::kWarn, "a BPF map: only hash and array maps can be saved",
     "load BPF programs outside of the container"},
    {"anon_inode:bpf", Health::kFail, "a BPF object", "load BPF programs outside of the container"},
    {"anon_inode:[perf_event]", Health::kFail, "a perf event",
     "stop profiling before the checkpoint"},
    {"anon_inode:[userfaultfd]", Health::kFail, "a userfaultfd",
     "have the program handle its page faults in another way"},
}};

std::optional<Finding> judge_descriptor(const path& process, const path& descriptor) {
  std::error_code error;
  const std::string link = std::filesystem::read_symlink(descriptor, error).string();
  if (error) return std::nullopt;
  const std::string subject = describe(process) + ", descriptor " + descriptor.filename().string();
  for (const DescriptorRule& rule : kDescriptorRules)
    if (link.starts_with(rule.link))
      return Finding{rule.health, subject, "is " + std::string(rule.what),
                     std::string(rule.remedy)};
  struct statfs file_system{};
  // Message queues look like files of an unmounted file system, so only its type tells.
  if (link.starts_with('/') && ::statfs(descriptor.c_str(), &file_system) == 0 &&
      file_system.f_type == kMqueueMagic)
    return Finding{Health::kFail, subject, "is the POSIX message queue '" + link + "'",
                   "have the program close it before the checkpoint, or use a socket"};
  return std::nullopt;
}

std::vector<Finding> judge_descriptors(const path& process, const path&) {
  std::vector<Finding> findings;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(process / "fd", error), end;
       !error && entry != end; entry.increment(error))
    if (auto finding = judge_descriptor(process, entry->path())) findings.push_back(*finding);
  return findings;
}

std::vector<Finding> judge_tracing(const path& process, const path&) {
  const auto status = sys::read_file(process / "status");
  if (!status) return {};
  const std::string tracer = status_field(*status, "TracerPid");
  if (tracer.empty() || tracer == "0") return {};
  return {{Health::kFail, describe(process), "is traced by process " + tracer,
           "end the debugger (or strace) with that pid"}};
}

// A stopped process is saved and comes back stopped, which whoever stopped it may not expect.
std::vector<Finding> judge_stopped(const path& process, const path&) {
  const auto status = sys::read_file(process / "status");
  if (!status || !status_field(*status, "State").starts_with('T')) return {};
  return {{Health::kWarn, describe(process), "is stopped (SIGSTOP)",
           "continue it: kill -CONT " + process.filename().string()}};
}

std::vector<Finding> judge_user_namespace(const path& process, const path& init) {
  std::error_code error;
  const path own = std::filesystem::read_symlink(process / "ns/user", error);
  if (error) return {};
  const path first = std::filesystem::read_symlink(init / "ns/user", error);
  if (error || own == first) return {};
  return {{Health::kFail, describe(process), "lives in a user namespace of its own",
           "switch the program's sandbox off (browsers: --no-sandbox)"}};
}

using ProcessCheck = std::vector<Finding> (*)(const path& process, const path& init);
constexpr std::array<ProcessCheck, 4> kProcessChecks = {judge_descriptors, judge_tracing,
                                                        judge_stopped, judge_user_namespace};

std::vector<Finding> check_standing(const podman::ContainerInfo& info,
                                    const container::Layout& layout) {
  std::vector<Finding> findings;
  if (runs_under_reprise(info))
    findings.push_back({Health::kOk, "runtime", "runs under Reprise", {}});
  else
    findings.push_back({Health::kFail, "runtime", "its OCI runtime is '" + info.oci_runtime + "'",
                        "start it with 'reprise run'"});
  if (is_opted_in(info))
    findings.push_back({Health::kOk, "annotation", "is checkpointed when it is stopped", {}});
  else
    findings.push_back({Health::kWarn, "annotation", "is not checkpointed when it is stopped",
                        "make it with --annotation reprise.dev/on-stop=checkpoint"});
  if (!info.has_tasks())
    findings.push_back({Health::kWarn, "state", "does not run (" + info.status + ")",
                        "start it, to examine its processes"});
  else if (info.status == "paused")
    findings.push_back({Health::kFail, "state", "is paused", "podman unpause " + info.name});
  else
    findings.push_back({Health::kOk, "state", info.status, {}});

  const path lock = layout.lock_of(base::ContainerId(info.id));
  std::error_code error;
  if (std::filesystem::exists(lock, error) && !sys::FileLock::try_lock(lock))
    findings.push_back({Health::kWarn, "session", "a session is running on it",
                        "wait for it: 'reprise logs' lists sessions"});
  return findings;
}

}  // namespace

std::vector<Finding> obstacles_in(const path& proc, pid_t pid, pid_t init) {
  std::vector<Finding> findings;
  for (const ProcessCheck check : kProcessChecks)
    std::ranges::move(check(proc / std::to_string(pid), proc / std::to_string(init)),
                      std::back_inserter(findings));
  return findings;
}

std::vector<pid_t> container_pids(const path& proc, const std::string& id) {
  // "libpod-conmon-ID" is the cgroup of the monitor, which is no part of the container.
  const std::string mark = "libpod-" + id;
  std::vector<pid_t> pids;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(proc, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto pid = parse_pid(entry->path().filename().string());
    if (!pid) continue;
    const auto cgroups = sys::read_file(entry->path() / "cgroup");
    if (cgroups && cgroups->find(mark) != std::string::npos) pids.push_back(*pid);
  }
  std::ranges::sort(pids);
  return pids;
}

std::vector<Finding> check_container(const podman::ContainerInfo& info,
                                     const container::Layout& layout) {
  std::vector<Finding> findings = check_standing(info, layout);
  if (!info.has_tasks()) return findings;
  const std::vector<pid_t> pids = container_pids("/proc", info.id);
  const std::size_t before = findings.size();
  for (const pid_t pid : pids)
    std::ranges::move(obstacles_in("/proc", pid, info.pid), std::back_inserter(findings));
  if (findings.size() == before)
    findings.push_back({Health::kOk,
                        "processes",
                        std::to_string(pids.size()) + " examined, no obstacle seen",
                        {}});
  return findings;
}

}  // namespace reprise::cli
