// SPDX-License-Identifier: Apache-2.0
#include "preflight/descriptors/kinds.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <utility>

#include "container/task_tree.h"
#include "preflight/descriptors/opening.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::preflight {

using std::filesystem::path;

namespace {

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

}  // namespace

MountNumbers::MountNumbers(const path& proc, const std::vector<pid_t>& processes) {
  std::set<std::string> seen;
  for (const pid_t pid : processes) {
    const path process = proc / std::to_string(pid);
    if (!seen.insert(sys::link_target(process / "ns/mnt")).second) continue;
    std::istringstream lines(sys::read_file(process / "mountinfo").value_or(""));
    for (std::string line; std::getline(lines, line);)
      numbers_.insert(line.substr(0, line.find(' ')));
  }
}

std::optional<Cause> judge_anonymous(std::string_view name) {
  if (std::ranges::find(kSavedAnonymous, name) != kSavedAnonymous.end()) return std::nullopt;
  for (const AnonymousKind& kind : kKnownAnonymous)
    if (name.starts_with(kind.name)) return Cause{std::string(kind.text), std::string(kind.remedy)};
  return Cause{"is of the kernel's kind '" + std::string(name) + "', which cannot be saved",
               "have the program close it before the checkpoint"};
}

void judge_descriptors(const path& process, const MountNumbers& mounts,
                       std::vector<Obstacle>& found) {
  for (const sys::OpenFile& file : sys::open_files_of(process)) {
    const std::string number = std::to_string(file.number);
    std::optional<Cause> cause;
    if (file.target == "anon_inode:[fanotify]")
      cause = judge_fanotify(process, number);
    else if (file.target == "anon_inode:[pidfd]")
      cause = judge_pidfd(process, number);
    else if (file.target.starts_with("pipe:["))
      cause = judge_pipe(process, file);
    else
      cause = judge_descriptor(process / "fd" / number, file.target);
    if (!cause) cause = judge_mount(process, file, mounts);
    if (cause)
      found.push_back(
          {descriptor_of(process, file.number), std::move(cause->text), std::move(cause->remedy)});
  }
}

}  // namespace reprise::preflight
