// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "crypto/hex.h"
#include "crypto/internal/key_text.h"
#include "crypto/keys.h"
#include "sys/child.h"
#include "sys/files.h"

namespace reprise::crypto {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fail_errno;
namespace fs = std::filesystem;

namespace {

// A key is at most 64 characters; the rest is room for whitespace.
constexpr std::size_t kTextLimit = 512;
constexpr std::chrono::seconds kCommandTimeout(30);

std::string quoted(const fs::path& file) { return "'" + file.string() + "'"; }

std::string_view text_in(const Secret& secret, std::size_t size) {
  return {reinterpret_cast<const char*>(secret.view().data()), size};
}

Result<void> require_private(const sys::UniqueFd& fd, const fs::path& file) {
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno(errno, "looking at " + quoted(file));
  if (!S_ISREG(info.st_mode))
    return fail(ErrorCode::kInvalidInput, quoted(file) + " is not a regular file");
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    return std::unexpected(
        Error(ErrorCode::kDenied, "the key file " + quoted(file) + " belongs to another user")
            .with_hint("chown root " + quoted(file)));
  if ((info.st_mode & 077U) != 0)
    return std::unexpected(Error(ErrorCode::kDenied, "the key file " + quoted(file) +
                                                         " is open to others than its owner")
                               .with_hint("chmod 600 " + quoted(file)));
  return {};
}

Result<Secret> from_file(const fs::path& file) {
  // Not blocking, so that a pipe of that name cannot hold us up.
  auto opened = sys::open_file(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!opened && opened.error().code() == ErrorCode::kNotFound)
    return std::unexpected(
        std::move(opened).error().with_hint("without that key its checkpoints cannot be read"));
  const sys::UniqueFd fd = REPRISE_PASS(std::move(opened));
  REPRISE_PASS(require_private(fd, file));
  Secret text = REPRISE_PASS(Secret::zeros(kTextLimit));
  std::size_t size = 0;
  while (size < kTextLimit) {
    const ssize_t n = ::read(fd.get(), text.bytes().data() + size, kTextLimit - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, "reading " + quoted(file));
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  return REPRISE_TRY(parse_key(text_in(text, size)), "reading the key file " + quoted(file));
}

Result<Secret> from_environment(const std::string& name) {
  const char* text = std::getenv(name.c_str());
  if (text == nullptr)
    return fail(ErrorCode::kNotFound, "the variable '" + name + "' for the key is not set");
  return REPRISE_TRY(parse_key(text), "reading the key in the variable '" + name + "'");
}

Result<Secret> from_command(const std::string& command) {
  const std::string step = "getting the key from '" + command + "'";
  Secret text = REPRISE_PASS(Secret::zeros(kTextLimit));
  sys::SpawnOptions options;
  options.argv = {"/bin/sh", "-c", command};
  options.env = sys::default_environment();
  const std::size_t size =
      REPRISE_TRY(sys::run_into(std::move(options), kCommandTimeout, text.bytes()), step);
  return REPRISE_TRY(parse_key(text_in(text, size)), step);
}

}  // namespace

Result<Secret> load_key(const KeySource& source) {
  switch (source.kind) {
    case KeySource::Kind::kFile:
      return from_file(source.value);
    case KeySource::Kind::kEnvironment:
      return from_environment(source.value);
    case KeySource::Kind::kCommand:
      return from_command(source.value);
  }
  return fail(ErrorCode::kInternal, "an unknown kind of key source");
}

Result<void> create_key_file(const fs::path& file) {
  const Secret key = REPRISE_PASS(Secret::random(kKeyBytes));
  const Secret text = REPRISE_PASS(write_key(key));
  REPRISE_PASS(sys::make_directories_durably(file.has_parent_path() ? file.parent_path() : "."));
  return sys::create_file(file, text_in(text, text.size()));
}

}  // namespace reprise::crypto
