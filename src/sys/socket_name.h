// SPDX-License-Identifier: Apache-2.0
//
// A UNIX socket's name in the file system as bind(2) and connect(2) take it. Their address has room
// for 107 bytes: a longer path is reached through a descriptor of its directory, in /proc/self/fd.
//
// Part of what is preloaded into foreign programs, too: no allocation, nothing of the C++ library.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

namespace reprise::sys {

// Good for the calling process, and as long as the object exists.
class SocketName {
 public:
  explicit SocketName(const char* file) {
    address_.sun_family = AF_UNIX;
    if (std::strlen(file) < sizeof address_.sun_path)
      std::memcpy(address_.sun_path, file, std::strlen(file) + 1);
    else
      error_ = go_through_directory(file);
  }
  ~SocketName() {
    if (directory_ >= 0) ::close(directory_);
  }
  SocketName(const SocketName&) = delete;
  SocketName& operator=(const SocketName&) = delete;

  // 0, or an errno: ENAMETOOLONG if the path has 4096 bytes, or its last part more than 80; else
  // that of opening the directory. Then there is no address.
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] const sockaddr* address() const {
    return reinterpret_cast<const sockaddr*>(&address_);
  }
  [[nodiscard]] static socklen_t size() { return sizeof(sockaddr_un); }

 private:
  int go_through_directory(const char* file) {
    const char* slash = std::strrchr(file, '/');
    char directory[PATH_MAX] = ".";
    const char* last = slash == nullptr ? file : slash + 1;
    const auto above = static_cast<std::size_t>(last - file);
    if (above >= sizeof directory || std::strlen(last) > kLongestLast) return ENAMETOOLONG;
    if (above > 0) std::memcpy(directory, file, above);
    directory_ = ::open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_ < 0) return errno;
    std::snprintf(address_.sun_path, sizeof address_.sun_path, "/proc/self/fd/%d/%s", directory_,
                  last);
    return 0;
  }

  // What "/proc/self/fd/" and any number leave.
  static constexpr std::size_t kLongestLast = 80;

  sockaddr_un address_{};
  int directory_ = -1;
  int error_ = 0;
};

}  // namespace reprise::sys
