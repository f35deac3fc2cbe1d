// SPDX-License-Identifier: Apache-2.0
#include "sys/process.h"

#include <sys/syscall.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::fail_errno;

namespace {

struct Stat {
  char state = '?';
  std::uint64_t start_ticks = 0;
};

Result<Stat> read_stat(pid_t pid) {
  const Result<std::string> text = read_file("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return fail(ErrorCode::kGone, "process " + std::to_string(pid) + " has ended");
  // The command name may hold spaces and parentheses: fields are counted from the last one.
  const std::size_t end = text->rfind(')');
  if (end == std::string::npos) return fail(ErrorCode::kInternal, "unreadable '/proc/PID/stat'");
  std::istringstream fields(text->substr(end + 2));
  Stat stat;
  fields >> stat.state;
  constexpr int kFieldsBetween = 18;  // proc(5): state is field 3, starttime field 22
  std::string skipped;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
  fields >> stat.start_ticks;
  return stat;
}

}  // namespace

Result<ProcessRef> process_ref(pid_t pid) {
  const Stat stat = REPRISE_PASS(read_stat(pid));
  return ProcessRef{.pid = pid, .start_ticks = stat.start_ticks};
}

bool is_alive(const ProcessRef& process) {
  if (process.pid <= 0) return false;
  const Result<Stat> stat = read_stat(process.pid);
  return stat && stat->start_ticks == process.start_ticks && stat->state != 'Z' &&
         stat->state != 'X';
}

Result<std::string> boot_id() {
  std::string id = REPRISE_PASS(read_file("/proc/sys/kernel/random/boot_id"));
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

Result<UniqueFd> open_pidfd(pid_t pid) {
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd.valid()) return fail_errno(errno, "opening process " + std::to_string(pid));
  return fd;
}

Result<UniqueFd> copy_descriptor(pid_t pid, int fd) {
  const UniqueFd process = REPRISE_PASS(open_pidfd(pid));
  UniqueFd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
  if (!copy.valid())
    return fail_errno(
        errno, "taking descriptor " + std::to_string(fd) + " of process " + std::to_string(pid));
  return copy;
}

Result<void> send_signal(const UniqueFd& pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0)
    return fail_errno(errno, "sending signal " + std::to_string(signal));
  return {};
}

Result<int> parse_signal(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number > 0 && number < NSIG)
    return number;
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  std::string_view name = upper;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* abbreviation = ::sigabbrev_np(signal);
    if (abbreviation != nullptr && name == abbreviation) return signal;
  }
  return fail(ErrorCode::kInvalidInput, "'" + std::string(text) + "' is not a signal");
}

bool has_cap_sys_resource() {
  constexpr int kCapSysResource = 24;  // linux/capability.h
  const Result<std::string> status = read_file("/proc/self/status");
  if (!status) return false;
  const std::size_t at = status->find("CapEff:");
  if (at == std::string::npos) return false;
  const unsigned long long effective =
      std::strtoull(status->c_str() + at + std::strlen("CapEff:"), nullptr, 16);
  return ((effective >> kCapSysResource) & 1) != 0;
}

}  // namespace reprise::sys
