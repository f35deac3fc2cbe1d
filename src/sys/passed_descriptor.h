// SPDX-License-Identifier: Apache-2.0
//
// A descriptor of a process that waits, named for a descendant of it that takes it: the processes
// in between have something else under its number. The C library only: a library that is
// preloaded into a foreign program takes it.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace reprise::sys {

// Environment: standard error of a container that is restored.
inline constexpr const char* kStderrVariable = "REPRISE_STDERR";

// "PID FD DEVICE INODE"; empty where the descriptor is not open.
using DescriptorName = std::array<char, 96>;
inline DescriptorName name_descriptor(int fd) {
  DescriptorName name{};
  struct stat status{};
  if (::fstat(fd, &status) == 0)
    std::snprintf(name.data(), name.size(), "%d %d %llu %llu", ::getpid(), fd,
                  static_cast<unsigned long long>(status.st_dev),
                  static_cast<unsigned long long>(status.st_ino));
  return name;
}

// The same open file, closed on exec; -1 where it cannot be had, or is another by now.
inline int take_descriptor(const char* name) {
  constexpr int kDecimal = 10;
  char* rest = nullptr;
  const auto pid = static_cast<pid_t>(std::strtol(name, &rest, kDecimal));
  const auto fd = static_cast<int>(std::strtol(rest, &rest, kDecimal));
  const auto device = std::strtoull(rest, &rest, kDecimal);
  const auto inode = std::strtoull(rest, &rest, kDecimal);
  const auto process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) return -1;
  const auto taken = static_cast<int>(::syscall(SYS_pidfd_getfd, process, fd, 0));
  ::close(process);
  struct stat status{};
  if (taken >= 0 &&
      (::fstat(taken, &status) != 0 || status.st_dev != device || status.st_ino != inode)) {
    ::close(taken);
    return -1;
  }
  return taken;
}

}  // namespace reprise::sys
