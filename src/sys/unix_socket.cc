// SPDX-License-Identifier: Apache-2.0
#include "sys/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::fail_errno;

Result<sockaddr_un> unix_address(const path& file) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = file.string();
  if (text.size() >= sizeof address.sun_path)
    return fail(ErrorCode::kInvalidInput, "socket path '" + text + "' is too long");
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

Result<UniqueFd> listen_on(const path& file, int type) {
  const sockaddr_un address = REPRISE_PASS(unix_address(file));
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno(errno, "making a socket");
  ::unlink(file.c_str());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno(errno, "binding '" + file.string() + "'");
  if (::chmod(file.c_str(), kPrivateFile) != 0 || ::listen(fd.get(), SOMAXCONN) != 0)
    return fail_errno(errno, "listening on '" + file.string() + "'");
  return fd;
}

}  // namespace reprise::sys
