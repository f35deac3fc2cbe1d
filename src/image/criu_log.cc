// SPDX-License-Identifier: Apache-2.0
#include "image/criu_log.h"

#include <algorithm>
#include <array>

namespace reprise::image {

namespace {

constexpr std::string_view kErrorMark = "Error (";

// Of a moment only: a little later a dump may find nothing of it. Nothing else begins with these.
constexpr std::string_view kUnreadNetlink = "netlink: The socket has data to read";
constexpr std::string_view kUnreadCredentials = "skqueue: Control messages in queue";
constexpr std::string_view kClosedUnaccepted = "Found a closed in-flight socket";
constexpr std::string_view kUnacceptedData = "Non-empty write queue on an in-flight socket";
constexpr std::string_view kCorked = "Can't dump corked dgram socket";
constexpr std::string_view kEndingThread = "Zombie thread not supported";
constexpr std::string_view kStoppingThreads = "Individually stopped threads";
constexpr std::array kPassing{
    kUnreadNetlink, kUnreadCredentials, kClosedUnaccepted, kUnacceptedData,
    kCorked,        kEndingThread,      kStoppingThreads};

// A line is of this cause if it contains both texts.
struct KnownCause {
  std::string_view text;
  std::string_view also;
  std::string_view hint;
};

constexpr std::array kKnownCauses{
    KnownCause{"anon_inode:[io_uring]", "",
               "a program uses io_uring, which cannot be saved: make the container without the "
               "annotation reprise.dev/io-uring=allow, then programs find none and fall back"},
    KnownCause{
        "Can't dump that handle", "",
        "a program watches files (inotify) in the container's root or a tmpfs: turn its file "
        "watching off, or keep the watched files on a volume"},
    KnownCause{
        "Can't dump ghost file", "",
        "a program keeps a file of more than 64 GiB open that was deleted: let it close the file"},
    KnownCause{
        "Can't create link remap", "",
        "a program keeps a file open whose name was deleted while another hard link to it "
        "lives, and no name could be made for it there: is that file system full or read-only?"},
    KnownCause{
        "External socket is used", "",
        "a program is connected by a UNIX socket to a process outside of the container: close "
        "that connection"},
    KnownCause{"Can't get rlimit", "",
               "CRIU runs without CAP_SYS_RESOURCE, and 'reprise-limits.so', which answers in the "
               "kernel's place, does not lie beside 'reprise-worker': install Reprise again"},
    KnownCause{
        "Can't dump nested user namespace", "",
        "a program made a user namespace of its own (bubblewrap, Apptainer and browsers do), "
        "which cannot be saved: turn its sandbox off, the container is one already"},
    KnownCause{"Unseizable non-zombie", "",
               "a process is being traced (strace, gdb or another debugger): detach the tracer"},
    KnownCause{"found while seizing", "zombie",
               "a process is being traced (strace, gdb or another debugger): detach the tracer"},
    KnownCause{"Can't lookup mount=", "",
               "a program has a file open that lies on no mount of the container: a POSIX message "
               "queue, or standard output that was redirected to a file of the host"},
    KnownCause{"Can't dump file", "of that type",
               "a program holds a kernel object open that cannot be saved, such as a BPF map, a "
               "performance event or a userfaultfd; the end of this line names it"},
    KnownCause{kUnreadNetlink, "",
               "a program has not read what the kernel told it through a netlink socket: try again "
               "when it has, or have it close that socket"},
    KnownCause{kUnreadCredentials, "",
               "a program has not read a message that came to its UNIX socket with its sender's "
               "identity (SO_PASSCRED): try again when it has"},
    KnownCause{kClosedUnaccepted, "",
               "a program has not accepted a connection to its UNIX socket which was closed "
               "meanwhile: try again when it has"},
    KnownCause{
        kUnacceptedData, "",
        "a program has not accepted a connection to its UNIX socket over which something was "
        "sent already: try again when it has"},
    KnownCause{kCorked, "",
               "a program is putting together a datagram (UDP_CORK, MSG_MORE): try again when it "
               "has sent it"},
    KnownCause{"Can't make VM id", "",
               "a program shares its memory with another that is no thread of it (clone with "
               "CLONE_VM): have it start a thread, or a process by fork"},
    KnownCause{"Can't make FS id", "",
               "a program shares its working directory with another (clone with CLONE_FS): have "
               "it start a thread, or a process by fork"},
    KnownCause{"Can't make IO id", "",
               "a program shares its signal handlers with another (clone with CLONE_SIGHAND): "
               "have it start a thread, or a process by fork"},
    KnownCause{"Can't make FILES id", "",
               "a program shares its descriptors with one that is not its child (clone with "
               "CLONE_FILES): have it start a thread, or a process by fork"},
    KnownCause{"Zombies with threads", "",
               "the first thread of a program has ended while others run on: have it wait for "
               "them"},
    KnownCause{kEndingThread, "", "a thread of a program was just ending: try again"},
    KnownCause{kStoppingThreads, "",
               "a program was just being stopped or continued by a signal: try again"},
    KnownCause{"packetized mode for pipes", "",
               "a program has a pipe in packet mode (O_DIRECT): have it use a UNIX socket of the "
               "kind SOCK_SEQPACKET"},
    KnownCause{"PIDFD_THREAD flag", "",
               "a program has a pidfd of a thread (PIDFD_THREAD): have it close that"},
    KnownCause{"hole not supported", "Sysv shmem",
               "a program has mapped a part of a System V shared memory segment: have it keep all "
               "of the segment mapped, or use POSIX shared memory"},
    KnownCause{"Open files on overmounted mounts", "",
               "a program has a file open on a mount that another mount hides: unmount that other "
               "one, or have the program close the file"},
    KnownCause{
        "Can't link remap to", "Invalid cross-device link",
        "a program uses a file or directory that a mount hides: have it close or leave that, "
        "or unmount what hides it"},
    KnownCause{"is bound to groups but not to portid", "",
               "a program listens to groups of a netlink protocol without an address of its own: "
               "have it bind the socket"},
    KnownCause{"epoll: Can't add event on", "File exists",
               "a program watched one file under several of its descriptors with an epoll: no "
               "start can restore this checkpoint"},
    KnownCause{"netlink: 8 ", "",
               "a program listens to a group above 32 of a netlink protocol: have it leave that"},
    KnownCause{"Can't get socket filter len", "",
               "a program has attached a BPF program to a socket (SO_ATTACH_BPF): have it use a "
               "classic filter (SO_ATTACH_FILTER)"},
    KnownCause{"Multiple MC membership", "",
               "a packet socket has joined one group several times: have the program join once"},
    KnownCause{"Unsupported message size", "",
               "a System V message queue holds a message above 8 KB: have a program receive it"},
    KnownCause{"have a proper root mount", "",
               "a program mounted a part of a file system, the rest of which is not mounted in "
               "the container: unmount it"},
    KnownCause{"FS mnt ", " unsupported id",
               "a program mounted a file system that cannot be saved: unmount it, or have Podman "
               "mount it (--volume)"},
    KnownCause{"No mapping for", " mountpoint",
               "a mount that the container had is not there any more: give it the same volumes and "
               "options again, on a host that is set up alike"},
    KnownCause{"Can't dump half of stream unix connection", "",
               "a program is connected by a UNIX socket to a process outside of the container: "
               "have it close that connection"},
    KnownCause{"name-less external socket", "",
               "a program is connected by a UNIX socket to a process outside of the container: "
               "have it close that connection"},
    KnownCause{"Can't handle non-regular mapping", "",
               "a program has mapped a file that is neither a regular one nor a device that can "
               "be saved: have it unmap that"},
    KnownCause{"Unsupported mapping found", "",
               "a program has mapped memory of a kind that cannot be saved: have it unmap that"},
    KnownCause{"ctty inheritance detected", "",
               "a program has the terminal open that controls another session: have it close its "
               "end when it has started that"},
    KnownCause{"Empty list on file desc", "",
               "a program passed descriptors over a connection that was itself being passed to "
               "another: no start can restore this checkpoint"},
    KnownCause{"with filter on-board", "",
               "a TUN interface has a filter, which cannot be saved: have the program remove it"},
    KnownCause{
        "dumping BPF map type", "",
        "a program holds a BPF map of a kind that cannot be saved: load BPF programs outside "
        "of the container"},
    // Kernels since 6.16 refuse socket options 16 and 34 on all but UNIX sockets.
    KnownCause{"Can't get 1:16 opt", "",
               "this CRIU is too old for this kernel: install CRIU 4.2.1 or newer"},
    KnownCause{"Can't get 1:34 opt", "",
               "this CRIU is too old for this kernel: install CRIU 4.2.1 or newer"},
    KnownCause{
        "No space left on device", "",
        "the disk of the store is full: remove checkpoints ('reprise checkpoint rm') or make "
        "room"},
    KnownCause{"Can't bind inet socket back", "Cannot assign requested address",
               "the container got another address than it had: start it in the same network with "
               "the same address ('--ip')"},
    KnownCause{"Can't connect inet socket back", "",
               "the container's network differs from the one it was checkpointed in: a connection "
               "could not be made again"},
    KnownCause{
        "Can't fork for", "File exists",
        "a process id that the container had is in use: is it still running, or does it share "
        "its PID namespace?"},
    KnownCause{"has bad size", "",
               "a file that a program has open was changed after the checkpoint: put the old file "
               "back"},
};

// Follow from an earlier error and say nothing about it.
constexpr std::array<std::string_view, 8> kConsequences{
    "Dumping FAILED",   "Restoring FAILED",   ") failed with -", "exited, status=",
    "killed by signal", "Unable to open fd=", "mapfile link",    "Can't make userns id"};

// CRIU reports it as an error and goes on: without CAP_SYS_RESOURCE it lives with fewer files.
constexpr std::string_view kHarmless = "Can't setup RLIMIT_NOFILE for self";

const KnownCause* known_cause(std::string_view line) {
  const auto* const cause = std::ranges::find_if(kKnownCauses, [line](const KnownCause& known) {
    return line.contains(known.text) && line.contains(known.also);
  });
  return cause == kKnownCauses.end() ? nullptr : cause;
}

bool is_consequence(std::string_view line) {
  return std::ranges::any_of(kConsequences,
                             [line](std::string_view text) { return line.contains(text); });
}

// "(00.025976)  13684: Error (…" to "13684: Error (…".
std::string without_time_stamp(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  if (const std::size_t end = line.find(')'); line.starts_with('(') && end != line.npos)
    line.remove_prefix(end + 1);
  const std::size_t begin = line.find_first_not_of(kBlank);
  if (begin == line.npos) return {};
  return std::string(line.substr(begin, line.find_last_not_of(kBlank) - begin + 1));
}

}  // namespace

std::optional<CriuFinding> find_cause(std::string_view log) {
  std::optional<std::string_view> unknown;
  std::optional<std::string_view> consequence;
  while (!log.empty()) {
    const std::size_t end = log.find('\n');
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(end == log.npos ? log.size() : end + 1);
    if (!line.contains(kErrorMark) || line.contains(kHarmless)) continue;
    if (const KnownCause* cause = known_cause(line); cause != nullptr)
      return CriuFinding{.line = without_time_stamp(line), .hint = std::string(cause->hint)};
    std::optional<std::string_view>& slot = is_consequence(line) ? consequence : unknown;
    if (!slot) slot = line;
  }
  if (!unknown) unknown = consequence;
  if (!unknown) return std::nullopt;
  return CriuFinding{.line = without_time_stamp(*unknown), .hint = {}};
}

namespace {

// What stands in `line` between two texts; nullopt if one of them is missing.
std::optional<std::string> between(std::string_view line, std::string_view before,
                                   std::string_view after) {
  const std::size_t begin = line.find(before);
  if (begin == line.npos) return std::nullopt;
  line.remove_prefix(begin + before.size());
  const std::size_t end = line.rfind(after);
  if (end == line.npos) return std::nullopt;
  return std::string(line.substr(0, end));
}

std::optional<CriuFileFault> file_fault_of(std::string_view line) {
  constexpr std::string_view kUnopened = " on restore: ";
  constexpr std::string_view kSize = " has bad size ";
  if (auto file = between(line, "Can't open file ", kUnopened)) {
    const std::string_view reason = line.substr(line.rfind(kUnopened) + kUnopened.size());
    return CriuFileFault{.file = "/" + *file, .reason = std::string(reason), .size = {}, .was = {}};
  }
  const auto file = between(line, "File ", kSize);
  const auto size = between(line, kSize, " (expect ");
  const auto was = between(line, " (expect ", ")");
  if (!file || !size || !was) return std::nullopt;
  return CriuFileFault{.file = "/" + *file, .reason = {}, .size = *size, .was = *was};
}

}  // namespace

std::optional<CriuFileFault> find_file_fault(std::string_view log) {
  while (!log.empty()) {
    const std::size_t end = log.find('\n');
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(end == log.npos ? log.size() : end + 1);
    if (!line.contains(kErrorMark)) continue;
    if (auto fault = file_fault_of(line)) return fault;
  }
  return std::nullopt;
}

std::vector<std::string> last_errors(std::string_view log, std::size_t most) {
  std::vector<std::string> errors;
  while (!log.empty()) {
    const std::size_t end = log.find('\n');
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(end == log.npos ? log.size() : end + 1);
    if (line.contains(kErrorMark) && !line.contains(kHarmless))
      errors.push_back(without_time_stamp(line));
  }
  if (errors.size() > most)
    errors.erase(errors.begin(), errors.end() - static_cast<std::ptrdiff_t>(most));
  return errors;
}

bool gave_up_unharmed(std::string_view log) {
  // CRIU's last words (cr-dump.c), when the tasks are as they were.
  if (!log.contains("Dumping FAILED")) return false;
  const auto cause = find_cause(log);
  return cause && cause->hint.empty();
}

bool found_passing_state(std::string_view log) {
  return std::ranges::any_of(kPassing, [log](std::string_view text) { return log.contains(text); });
}

bool drops_events(std::string_view log) { return log.contains("notify events will be dropped"); }

}  // namespace reprise::image
