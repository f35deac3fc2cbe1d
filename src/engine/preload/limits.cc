// SPDX-License-Identifier: Apache-2.0
//
// `reprise-limits.so`, preloaded into CRIU on hosts without CAP_SYS_RESOURCE. There the kernel
// refuses to tell the limits of another user's process by prlimit(2), although anybody may read
// them in /proc/PID/limits; CRIU asks by syscall(2), other versions may ask by prlimit(3).
//
// Only what the kernel answers with EPERM, and only a question that changes nothing, is answered
// here. Runs inside a foreign program: no allocation, no locks, nothing of the C++ library.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <optional>

#include "engine/preload/proc_limits.h"

#define REPRISE_EXPORT extern "C" __attribute__((visibility("default")))

// So that one answer serves both names.
static_assert(sizeof(rlimit) == sizeof(rlimit64));

namespace {

using reprise::engine::preload::find_limit;
using Syscall = long (*)(long, ...);

Syscall g_next = nullptr;

// Called before anything else of the program, so that no call of it has to wait for the look-up.
__attribute__((constructor)) void find_next() {
  g_next = reinterpret_cast<Syscall>(::dlsym(RTLD_NEXT, "syscall"));
}

std::optional<rlimit64> read_limit(pid_t pid, int resource) {
  constexpr std::size_t kPathSize = 32;  // "/proc/", a pid of at most 10 digits, "/limits"
  std::array<char, kPathSize> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/limits", pid);
  const int fd = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  // 17 lines of at most 80 characters.
  constexpr std::size_t kTextSize = 2048;
  std::array<char, kTextSize> text;  // NOLINT(cppcoreguidelines-pro-type-member-init): read below
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  ::close(fd);
  return find_limit({text.data(), size}, resource);
}

long ask(pid_t pid, int resource, const void* new_limit, void* old_limit) {
  const long result = g_next(SYS_prlimit64, pid, resource, new_limit, old_limit);
  if (result == 0 || errno != EPERM || new_limit != nullptr || old_limit == nullptr) return result;
  const std::optional<rlimit64> limit = read_limit(pid, resource);
  errno = EPERM;
  if (!limit) return -1;
  *static_cast<rlimit64*>(old_limit) = *limit;
  return 0;
}

}  // namespace

REPRISE_EXPORT int prlimit(pid_t pid, __rlimit_resource resource, const rlimit* new_limit,
                           rlimit* old_limit) noexcept {
  return static_cast<int>(ask(pid, resource, new_limit, old_limit));
}

REPRISE_EXPORT int prlimit64(pid_t pid, __rlimit_resource resource, const rlimit64* new_limit,
                             rlimit64* old_limit) noexcept {
  return static_cast<int>(ask(pid, resource, new_limit, old_limit));
}

// NOLINTBEGIN(performance-no-int-to-ptr, readability-inconsistent-declaration-parameter-name): the
// C library's function takes pointers as numbers, and its header names the first one '__sysno'.
//
// No system call has more than six arguments; those that a caller left out are as undefined here as
// they are in the C library's own function.
REPRISE_EXPORT long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  std::array<long, 6> words;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  for (long& word : words) word = va_arg(list, long);
  va_end(list);
  if (number == SYS_prlimit64)
    return ask(static_cast<pid_t>(words[0]), static_cast<int>(words[1]),
               reinterpret_cast<const void*>(words[2]), reinterpret_cast<void*>(words[3]));
  return g_next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
// NOLINTEND(performance-no-int-to-ptr, readability-inconsistent-declaration-parameter-name)
