// SPDX-License-Identifier: Apache-2.0
#include "preflight/obstacles.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "container/task_tree.h"
#include "preflight/descriptor_obstacles.h"
#include "preflight/mount_obstacles.h"
#include "preflight/network_obstacles.h"
#include "preflight/shared_obstacles.h"
#include "preflight/task_obstacles.h"
#include "preflight/thread_obstacles.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::preflight {
namespace {

using std::filesystem::path;

// MQUEUE_MAGIC of the kernel's ipc/mqueue.c, which no header exports.
constexpr long kMqueueMagic = 0x19800202;

struct Process {
  pid_t pid = 0;
  path directory;         // of procfs
  const path& init;       // that of the container's init
  std::string described;  // "process 7 (python3)"
};

// --- descriptors: criu/files.c, dump_one_file

struct Cause {
  std::string text;
  std::string remedy;
};

struct AnonymousKind {
  std::string_view name;
  std::string_view text;
  std::string_view remedy;
};

// What CRIU has an image for; of the rest, those whose name says little to people.
constexpr std::array<std::string_view, 7> kSavedAnonymous = {
    "[eventfd]", "[eventpoll]", "[signalfd]", "[timerfd]", "[pidfd]", "inotify", "[fanotify]"};
constexpr std::array<AnonymousKind, 4> kKnownAnonymous = {{
    {"[io_uring]", "is an io_uring",
     "have the program use other I/O: without the annotation reprise.dev/io-uring=allow, and with "
     "a "
     "seccomp profile, programs find none and fall back"},
    {"bpf", "is a BPF object", "load BPF programs outside of the container"},
    {"[perf_event]", "is a perf event", "stop profiling before the checkpoint"},
    {"[userfaultfd]", "is a userfaultfd", "have the program handle its page faults in another way"},
}};

std::optional<Cause> judge_anonymous(std::string_view name) {
  if (std::ranges::find(kSavedAnonymous, name) != kSavedAnonymous.end()) return std::nullopt;
  for (const AnonymousKind& kind : kKnownAnonymous)
    if (name.starts_with(kind.name)) return Cause{std::string(kind.text), std::string(kind.remedy)};
  return Cause{"is of the kernel's kind '" + std::string(name) + "', which cannot be saved",
               "have the program close it before the checkpoint"};
}

// Protocols by the names that the kernel gives them (/proc/net/protocols).
constexpr std::array<std::string_view, 14> kSavedProtocols = {
    "UNIX",  "UNIX-STREAM", "NETLINK",   "PACKET", "TCP",   "TCPv6", "UDP",
    "UDPv6", "UDP-Lite",    "UDPLITEv6", "RAW",    "RAWv6", "PING",  "PINGv6"};

std::optional<Cause> judge_socket(const path& descriptor) {
  // sockfs names the protocol of any socket, bound or not; /proc/net knows bound ones, of some
  // families.
  std::array<char, 64> name{};
  const ssize_t size =
      ::getxattr(descriptor.c_str(), "system.sockprotoname", name.data(), name.size() - 1);
  if (size <= 0) return std::nullopt;
  const std::string_view protocol(name.data());
  if (std::ranges::find(kSavedProtocols, protocol) != kSavedProtocols.end()) return std::nullopt;
  const bool multipath = protocol.starts_with("MPTCP");
  return Cause{"is a socket of the protocol '" + std::string(protocol) + "', which cannot be saved",
               multipath
                   ? "have the program use TCP (Go: GODEBUG=multipathtcp=0): without the "
                     "annotation reprise.dev/mptcp=allow, and with a seccomp profile, programs "
                     "are told that there is none and fall back"
                   : "have the program close it before the checkpoint, or use TCP, UDP or a "
                     "UNIX socket"};
}

// criu/files.c, dump_chrdev, and criu/tty.c, get_tty_driver.
bool is_saved_device(unsigned major, unsigned minor) {
  constexpr unsigned kMemory = 1;
  constexpr unsigned kVirtualTerminals = 4;
  constexpr unsigned kLastVirtualTerminal = 63;
  constexpr unsigned kTerminals = 5;  // tty, console, ptmx
  constexpr unsigned kMisc = 10;
  constexpr unsigned kTun = 200;
  constexpr unsigned kAutofs = 235;
  constexpr unsigned kFirstPtyMaster = 128;
  constexpr unsigned kPtySlave = 136;
  constexpr unsigned kUsbSerial = 188;
  constexpr unsigned kSerial = 204;
  switch (major) {
    case kMemory:
    case kUsbSerial:
    case kSerial:
      return true;
    case kVirtualTerminals:
      return minor >= 1 && minor <= kLastVirtualTerminal;
    case kTerminals:
      return minor <= 2;
    case kMisc:
      return minor == kTun || minor == kAutofs;
    default:
      return major >= kFirstPtyMaster && major <= kPtySlave;
  }
}

std::optional<Cause> judge_device(const struct stat& status, const std::string& file) {
  const unsigned major = ::major(status.st_rdev);
  const unsigned minor = ::minor(status.st_rdev);
  const bool block = S_ISBLK(status.st_mode);
  if (!block && is_saved_device(major, minor)) return std::nullopt;
  return Cause{std::string(block ? "is the block device '" : "is the device '") + file + "' (" +
                   std::to_string(major) + ":" + std::to_string(minor) + ")",
               "have the program close it before the checkpoint"};
}

// The kernel names every file of memfd_secret(2) so (mm/secretmem.c).
constexpr std::string_view kSecretMemory = "/secretmem (deleted)";
constexpr std::string_view kSecretRemedy =
    "switch it off in the program that keeps its keys in such memory: nobody else can read it, "
    "which is what it is for";

std::optional<Cause> judge_path(const path& descriptor, const std::string& file) {
  if (file == kSecretMemory)
    return Cause{"is secret memory (memfd_secret)", std::string(kSecretRemedy)};
  struct stat status{};
  if (::stat(descriptor.c_str(), &status) != 0) return std::nullopt;
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) return judge_device(status, file);
  // A queue that mq_open gave looks like a file, but lies on no mount of the container.
  struct statfs file_system{};
  if (S_ISREG(status.st_mode) && ::statfs(descriptor.c_str(), &file_system) == 0 &&
      file_system.f_type == kMqueueMagic)
    return Cause{"is the POSIX message queue '" + file + "'",
                 "have the program close it before the checkpoint, or use a socket"};
  return std::nullopt;
}

// CRIU knows marks of fanotify on files and mounts, not those on whole file systems.
std::optional<Cause> judge_fanotify(const path& process, const std::string& descriptor) {
  const auto marks = sys::read_file(process / "fdinfo" / descriptor);
  if (!marks || !marks->contains("fanotify sdev:")) return std::nullopt;
  return Cause{"watches a whole file system (fanotify)",
               "have the program watch files, directories or mounts, or use inotify"};
}

// The flags that a descriptor is open with, or none.
unsigned flags_of(const path& process, const std::string& descriptor) {
  constexpr int kOctal = 8;
  const auto info = sys::read_file(process / "fdinfo" / descriptor);
  const std::string text = info ? container::status_field(*info, "flags") : std::string();
  unsigned flags = 0;
  std::from_chars(text.data(), text.data() + text.size(), flags, kOctal);
  return flags;
}

std::optional<Cause> judge_pipe(const path& process, const sys::OpenFile& pipe) {
  if ((flags_of(process, std::to_string(pipe.number)) & O_DIRECT) == 0) return std::nullopt;
  // That of an automounter, which the kernel has made one, and makes one again.
  const std::size_t digits = pipe.target.find_first_of("0123456789");
  const std::string number = pipe.target.substr(digits, pipe.target.find(']') - digits);
  if (sys::read_file(process / "mountinfo").value_or("").contains(",pipe_ino=" + number))
    return std::nullopt;
  return Cause{"is a pipe in packet mode (O_DIRECT)",
               "have the program use a UNIX socket of the kind SOCK_SEQPACKET"};
}

std::optional<Cause> judge_pidfd(const path& process, const std::string& descriptor) {
  constexpr unsigned kOfThread = O_EXCL;  // PIDFD_THREAD
  if ((flags_of(process, descriptor) & kOfThread) == 0) return std::nullopt;
  return Cause{"is a pidfd of a thread (PIDFD_THREAD)",
               "have the program close it before the checkpoint"};
}

// The mounts of all mount namespaces of the container, by number: a program may have a file open
// that lies in one of another process.
class MountNumbers {
 public:
  MountNumbers(const path& proc, const std::vector<pid_t>& processes) {
    std::set<std::string> seen;
    for (const pid_t pid : processes) {
      const path process = proc / std::to_string(pid);
      if (!seen.insert(sys::link_target(process / "ns/mnt")).second) continue;
      std::istringstream lines(sys::read_file(process / "mountinfo").value_or(""));
      for (std::string line; std::getline(lines, line);)
        numbers_.insert(line.substr(0, line.find(' ')));
    }
  }

  [[nodiscard]] bool has(const std::string& number) const {
    return numbers_.empty() || numbers_.contains(number);
  }

 private:
  std::set<std::string> numbers_;
};

// Memory that was opened as a file (/proc/PID/map_files): on a mount of the kernel's own, and
// saved.
bool is_shared_memory(const std::string& file) {
  return file == "/dev/zero (deleted)" || file.starts_with("/SYSV") || file.starts_with("/memfd:");
}

// A file on a mount that was unmounted lazily, or never mounted anywhere (open_tree).
std::optional<Cause> judge_mount(const path& process, const sys::OpenFile& file,
                                 const MountNumbers& mounts) {
  struct stat status{};
  const std::string descriptor = std::to_string(file.number);
  if (!file.target.starts_with('/') || is_shared_memory(file.target) ||
      ::stat((process / "fd" / descriptor).c_str(), &status) != 0 ||
      (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
    return std::nullopt;
  const auto info = sys::read_file(process / "fdinfo" / descriptor);
  const std::string number = info ? container::status_field(*info, "mnt_id") : std::string();
  if (number.empty() || mounts.has(number)) return std::nullopt;
  return Cause{"is the file '" + file.target + "' on no mount of the container (any more)",
               "have the program close it before the checkpoint; where it is standard output that "
               "was redirected to a file of the host, use 'podman logs'"};
}

std::optional<Cause> judge_descriptor(const path& descriptor, const std::string& link) {
  constexpr std::string_view kAnonymous = "anon_inode:";
  if (link.starts_with(kAnonymous))
    return judge_anonymous(std::string_view(link).substr(kAnonymous.size()));
  if (link.starts_with("socket:[")) return judge_socket(descriptor);
  if (link.starts_with('/')) return judge_path(descriptor, link);
  return std::nullopt;
}

void judge_descriptors(const Process& process, const MountNumbers& mounts,
                       std::vector<Obstacle>& found) {
  for (const sys::OpenFile& file : sys::open_files_of(process.directory)) {
    const std::string number = std::to_string(file.number);
    std::optional<Cause> cause;
    if (file.target == "anon_inode:[fanotify]")
      cause = judge_fanotify(process.directory, number);
    else if (file.target == "anon_inode:[pidfd]")
      cause = judge_pidfd(process.directory, number);
    else if (file.target.starts_with("pipe:["))
      cause = judge_pipe(process.directory, file);
    else
      cause = judge_descriptor(process.directory / "fd" / number, file.target);
    if (!cause) cause = judge_mount(process.directory, file, mounts);
    if (cause)
      found.push_back({process.described + ", descriptor " + number, std::move(cause->text),
                       std::move(cause->remedy)});
  }
}

// --- memory: criu/proc_parse.c, handle_vma

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

std::optional<Cause> judge_device_memory(const Process& process, const Mapping& mapping) {
  const path file = process.directory / "map_files" / mapping.range;
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0 || !S_ISCHR(status.st_mode)) return std::nullopt;
  return Cause{"has memory of the device '" + std::string(mapping.what) + "' mapped",
               "have the program unmap it before the checkpoint"};
}

std::optional<Cause> judge_mapping(const Process& process, const Mapping& mapping) {
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

void judge_mappings(const Process& process, std::vector<Obstacle>& found) {
  const std::string maps = sys::read_file(process.directory / "maps").value_or("");
  std::string_view last;
  std::string_view rest = maps;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const Mapping mapping = parse_mapping(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (mapping.what.empty() || mapping.what == std::exchange(last, mapping.what)) continue;
    if (auto cause = judge_mapping(process, mapping))
      found.push_back({process.described, std::move(cause->text), std::move(cause->remedy)});
  }
}

// --- the process itself

void judge_tracing(const Process& process, const path& proc, std::vector<Obstacle>& found) {
  for (const pid_t tid : container::threads_of(proc, process.pid)) {
    const auto status = sys::read_file(process.directory / "task" / std::to_string(tid) / "status");
    const std::string tracer = container::status_field(status.value_or(""), "TracerPid");
    if (tracer.empty() || tracer == "0") continue;
    found.push_back({process.described, "is traced by process " + tracer,
                     "end the debugger (or strace) with that pid"});
    return;  // a debugger has all threads
  }
}

// Restored, there would be no such file.
void judge_program(const Process& process, std::vector<Obstacle>& found) {
  const std::string program = sys::link_target(process.directory / "exe");
  if (!program.starts_with("/memfd:")) return;
  found.push_back({process.described, "is a program that was started from memory (memfd)",
                   "start it from a file"});
}

// criu/namespaces.c, generate_ns_id: of these the whole tree must share the one of init. Mount and
// network namespaces may be nested.
constexpr std::array<std::pair<const char*, std::string_view>, 6> kSharedNamespaces = {
    {{"user", "user"},
     {"pid", "PID"},
     {"ipc", "IPC"},
     {"uts", "UTS"},
     {"cgroup", "cgroup"},
     {"time", "time"}}};

void judge_namespaces(const Process& process, std::vector<Obstacle>& found) {
  if (process.directory == process.init) return;
  for (const auto& [file, name] : kSharedNamespaces) {
    const std::string own = sys::link_target(process.directory / "ns" / file);
    const std::string first = sys::link_target(process.init / "ns" / file);
    if (own.empty() || first.empty() || own == first) continue;
    found.push_back({process.described, "lives in a " + std::string(name) + " namespace of its own",
                     "switch the program's sandbox off (browsers: --no-sandbox)"});
    return;  // a sandbox has several; one is enough to say so
  }
}

// CRIU opens the sources of bind mounts as the container's root, which may not enter the
// directories of the host that lead there.
void judge_user_namespace(const path& proc, const path& init, std::vector<Obstacle>& found) {
  const std::string host = sys::link_target(proc / "self/ns/user");
  const std::string own = sys::link_target(init / "ns/user");
  if (host.empty() || own.empty() || host == own) return;
  found.push_back({"the container", "has a user namespace of its own, which cannot be restored",
                   "make it without --userns, --uidmap and --gidmap"});
}

// Queues without a descriptor live on in the container's IPC namespace. CRIU refuses a mount of
// them that is not empty (criu/filesystems.c, dump_empty_fs).
void judge_queues(const path& init, std::vector<Obstacle>& found) {
  const path directory = init / "root/dev/mqueue";
  struct statfs file_system{};
  if (::statfs(directory.c_str(), &file_system) != 0 || file_system.f_type != kMqueueMagic) return;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error))
    found.push_back({"the container",
                     "has the POSIX message queue '/" + entry->path().filename().string() + "'",
                     "remove it: rm /dev/mqueue/" + entry->path().filename().string()});
}

// A file lease that the kernel is taking away, since somebody waits to open the file: the program
// was told by a signal, which would come a second time after a restore, or not at all. /proc/locks
// has "1: LEASE  BREAKING  READ  PID …".
void judge_leases(const path& proc, const std::vector<pid_t>& processes,
                  std::vector<Obstacle>& found) {
  std::istringstream lines(sys::read_file(proc / "locks").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, state, access;
    pid_t pid = 0;
    if (!(words >> number >> kind >> state >> access >> pid) || kind != "LEASE" ||
        state != "BREAKING" || std::ranges::find(processes, pid) == processes.end())
      continue;
    found.push_back(
        {container::describe_process(proc / std::to_string(pid)),
         "has a file lease that is being broken",
         "try again: the program gives it up, or the kernel takes it, within a minute"});
  }
}

// Where the kernel shows the cgroup by which processes are counted; empty if nowhere.
path pids_cgroup(const path& proc, pid_t init) {
  std::istringstream lines(sys::read_file(proc / std::to_string(init) / "cgroup").value_or(""));
  path found;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t names = line.find(':');
    const std::size_t place = line.find(':', names + 1);
    if (names == std::string::npos || place == std::string::npos) continue;
    const std::string controllers = "," + line.substr(names + 1, place - names - 1) + ",";
    if (controllers.contains(",pids,")) return "/sys/fs/cgroup/pids" + line.substr(place + 1);
    if (controllers == ",,") found = "/sys/fs/cgroup" + line.substr(place + 1);
  }
  return found;
}

// The limit is lifted for a restore (engine/criu/hook_pids.h), by a program for which there must be
// room.
void judge_pids_limit(const path& proc, pid_t init, std::vector<Obstacle>& found) {
  constexpr int kLeast = 3;
  const path cgroup = pids_cgroup(proc, init);
  if (cgroup.empty() || proc != "/proc") return;
  const int limit = std::atoi(sys::read_file(cgroup / "pids.max").value_or("").c_str());
  if (limit == 0 || limit >= kLeast) return;  // 0: "max", or not to be seen
  found.push_back(
      {"the container",
       "may have " + std::to_string(limit) + " processes, and a restore needs room for " +
           std::to_string(kLeast),
       "raise its limit: podman update --pids-limit " + std::to_string(kLeast) + " NAME"});
}

}  // namespace

Examination examine(const path& proc, pid_t init, const Given& given) {
  Examination result;
  const path first = proc / std::to_string(init);
  const std::vector<pid_t> processes = container::processes_of(proc, init);
  const MountNumbers mounts(proc, processes);
  for (const pid_t pid : processes) {
    const path directory = proc / std::to_string(pid);
    const Process process{.pid = pid,
                          .directory = directory,
                          .init = first,
                          .described = container::describe_process(directory)};
    ++result.processes;
    judge_tracing(process, proc, result.obstacles);
    judge_namespaces(process, result.obstacles);
    judge_descriptors(process, mounts, result.obstacles);
    judge_program(process, result.obstacles);
    judge_mappings(process, result.obstacles);
  }
  judge_user_namespace(proc, first, result.obstacles);
  std::ranges::move(examine_tasks(proc, init, processes), std::back_inserter(result.obstacles));
  std::ranges::move(examine_threads(proc, processes), std::back_inserter(result.obstacles));
  std::ranges::move(examine_descriptors(proc, init, processes),
                    std::back_inserter(result.obstacles));
  judge_leases(proc, processes, result.obstacles);
  judge_queues(first, result.obstacles);
  judge_pids_limit(proc, init, result.obstacles);
  if (given.spec != nullptr)
    std::ranges::move(examine_mounts(proc, init, *given.spec, given.bundle),
                      std::back_inserter(result.obstacles));
  std::ranges::move(examine_network(proc, init), std::back_inserter(result.obstacles));
  std::ranges::move(examine_sharing(proc, init), std::back_inserter(result.obstacles));
  return result;
}

}  // namespace reprise::preflight
