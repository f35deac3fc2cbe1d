// SPDX-License-Identifier: Apache-2.0
#include "sys/twin.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include "sys/process.h"

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// All that it could be used to reach something in.
constexpr int kNamespaces =
    CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

struct Report {
  int error_number = 0;
  pid_t twin = 0;  // in our own PID namespace
  bool has_label = false;
};

struct KeeperPlan {
  int process = -1;  // pidfd
  int namespaces = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  const char* label = nullptr;  // as the security module wants it written; nullptr: none to take
  std::size_t label_size = 0;
  int program = -1;
  int report = -1;
  int release = -1;
  int others_release = -1;  // the end that our parent holds
};

// System calls as they are: glibc's functions would speak to threads that only the parent has.
long become(const KeeperPlan& plan) noexcept {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const std::array<__user_cap_data_struct, 2> none{};
  if (::setns(plan.process, plan.namespaces) != 0) return -1;
  if (::syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0) return -1;
  if (::syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0) return -1;
  if (::syscall(SYS_capset, &header, none.data()) != 0) return -1;
  // What root executes gets all capabilities otherwise.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// Forbids all system calls but those that the twin makes, and never returns from the last of them.
[[noreturn]] void live_and_end(int program) noexcept {
  const auto allow_and_kill = std::to_array<sock_filter>({
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  });
  sock_fprog filter{.len = allow_and_kill.size(),
                    .filter = const_cast<sock_filter*>(allow_and_kill.data())};
  const auto number = static_cast<unsigned>(program);
  if (number > 0) ::syscall(SYS_close_range, 0U, number - 1, 0);
  ::syscall(SYS_close_range, number + 1, ~0U, 0);
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0)
    ::syscall(SYS_execveat, program, "", nullptr, nullptr, AT_EMPTY_PATH);
  ::syscall(SYS_exit_group, 1);
  __builtin_unreachable();
}

bool take_label(const KeeperPlan& plan) noexcept {
  if (plan.label == nullptr) return true;
  const int file = ::open("/proc/thread-self/attr/current", O_WRONLY | O_CLOEXEC);
  return file >= 0 && ::write(file, plan.label, plan.label_size) >= 0;
}

[[noreturn]] void keep(const KeeperPlan& plan) noexcept {
  ::close(plan.others_release);
  Report report;
  report.has_label = take_label(plan);
  if (become(plan) != 0) {
    report.error_number = errno;
  } else {
    report.twin = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    if (report.twin == 0) live_and_end(plan.program);
    siginfo_t ended{};
    if (report.twin < 0 ||
        ::waitid(P_PID, static_cast<id_t>(report.twin), &ended, WEXITED | WNOWAIT) != 0)
      report.error_number = errno;
    else if (ended.si_code != CLD_EXITED || ended.si_status != 0)
      report.error_number = ENOEXEC;
  }
  if (::write(plan.report, &report, sizeof(report)) == sizeof(report)) {
    char end = 0;
    while (::read(plan.release, &end, 1) < 0 && errno == EINTR) continue;
  }
  if (report.twin > 0) ::waitpid(report.twin, nullptr, 0);
  ::_exit(0);
}

// The smallest program that there is: it ends with status 0.
struct Program {
  Elf64_Ehdr head{};
  Elf64_Phdr segment{};
  std::array<std::uint8_t, 9> code{
      0xb8, SYS_exit_group, 0, 0, 0,  // mov eax, 231
      0x31, 0xff,                     // xor edi, edi
      0x0f, 0x05,                     // syscall
  };
};

// In memory, and sealed: who finds it in /proc must not change what others will run.
Result<UniqueFd> make_program() {
#if defined(__x86_64__)
  constexpr Elf64_Addr kBase = 0x400000;
  constexpr Elf64_Xword kPage = 0x1000;
  Program program;
  program.head = {
      .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
      .e_type = ET_EXEC,
      .e_machine = EM_X86_64,
      .e_version = EV_CURRENT,
      .e_entry = kBase + offsetof(Program, code),
      .e_phoff = offsetof(Program, segment),
      .e_ehsize = sizeof(Elf64_Ehdr),
      .e_phentsize = sizeof(Elf64_Phdr),
      .e_phnum = 1};
  program.segment = {.p_type = PT_LOAD,
                     .p_flags = PF_R | PF_X,
                     .p_vaddr = kBase,
                     .p_paddr = kBase,
                     .p_filesz = sizeof(program),
                     .p_memsz = sizeof(program),
                     .p_align = kPage};
  constexpr unsigned kExecutable = 0x10;  // MFD_EXEC, which kernels before 6.3 do not know
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd file(::memfd_create("reprise-twin", kFlags | kExecutable));
  if (!file.valid()) file = UniqueFd(::memfd_create("reprise-twin", kFlags));
  if (!file.valid()) return base::fail_errno(errno, "making a file in memory");
  REPRISE_PASS(write_at(file.get(), 0, std::as_bytes(std::span(&program, 1))));
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) !=
      0)
    return base::fail_errno(errno, "sealing a file in memory");
  return file;
#else
  return fail(ErrorCode::kUnsupported, "no process for comparison on this machine");
#endif
}

// What AppArmor and SELinux want to have written; nothing for a process without a label.
std::string written_label(std::string label) {
  while (label.ends_with('\n') || label.ends_with('\0')) label.pop_back();
  if (label.empty() || label == "unconfined" || label == "kernel") return "";
  // AppArmor adds the mode: "containers-default (enforce)". Labels of SELinux have no blanks.
  const std::size_t mode = label.find(" (");
  if (mode == std::string::npos) return label;
  return "changeprofile " + label.substr(0, mode);
}

Result<pid_t> innermost_pid(pid_t pid) {
  const std::string status = REPRISE_PASS(read_file("/proc/" + std::to_string(pid) + "/status"));
  constexpr std::string_view kField = "\nNSpid:";
  const std::size_t at = status.find(kField);
  if (at == std::string::npos) return fail(ErrorCode::kUnsupported, "no NSpid in /proc");
  std::istringstream words(status.substr(at + kField.size(), status.find('\n', at + 1) - at));
  pid_t last = 0;
  std::string line;
  std::getline(words, line);
  words = std::istringstream(line);
  for (pid_t id = 0; words >> id;) last = id;
  return last;
}

}  // namespace

Result<Twin> Twin::make(const TwinPlan& plan) {
  const UniqueFd process = REPRISE_PASS(open_pidfd(plan.process));
  const UniqueFd program = REPRISE_PASS(make_program());
  std::array<int, 2> report_pipe{};
  std::array<int, 2> release_pipe{};
  if (::pipe2(report_pipe.data(), O_CLOEXEC) != 0) return base::fail_errno(errno, "making a pipe");
  const UniqueFd report_read(report_pipe[0]);
  UniqueFd report_write(report_pipe[1]);
  if (::pipe2(release_pipe.data(), O_CLOEXEC) != 0) return base::fail_errno(errno, "making a pipe");
  const UniqueFd release_read(release_pipe[0]);
  Twin twin;
  twin.release_ = UniqueFd(release_pipe[1]);
  const std::string label = written_label(plan.label);
  const KeeperPlan keeper{.process = process.get(),
                          .namespaces = kNamespaces | (plan.join_users ? CLONE_NEWUSER : 0),
                          .uid = plan.uid,
                          .gid = plan.gid,
                          .label = label.empty() ? nullptr : label.c_str(),
                          .label_size = label.size(),
                          .program = program.get(),
                          .report = report_write.get(),
                          .release = release_read.get(),
                          .others_release = twin.release_.get()};
  const pid_t pid = ::fork();
  if (pid < 0) return base::fail_errno(errno, "starting a process");
  if (pid == 0) keep(keeper);
  twin.keeper_ = pid;
  report_write = UniqueFd();
  Report report;
  ssize_t size = 0;
  do size = ::read(report_read.get(), &report, sizeof(report));
  while (size < 0 && errno == EINTR);
  if (size != sizeof(report)) return fail(ErrorCode::kGone, "a process for comparison was ended");
  if (report.error_number != 0)
    return base::fail_errno(report.error_number, "making a process for comparison");
  twin.pid_inside_ = REPRISE_PASS(innermost_pid(report.twin));
  twin.has_same_label_ = report.has_label;
  return twin;
}

Twin::Twin(Twin&& other) noexcept
    : keeper_(std::exchange(other.keeper_, 0)),
      release_(std::move(other.release_)),
      pid_inside_(other.pid_inside_),
      has_same_label_(other.has_same_label_) {}

Twin::~Twin() {
  if (keeper_ == 0) return;
  release_ = UniqueFd();
  while (::waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace reprise::sys
