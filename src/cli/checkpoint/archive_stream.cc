// SPDX-License-Identifier: Apache-2.0
#include "cli/checkpoint/archive_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include "sys/files.h"

namespace reprise::cli {

using base::Error;
using base::ErrorCode;
using base::Result;
using operations::ArchiveOutput;

namespace {

// The process's own descriptor stays open: it is not ours to close.
Result<sys::UniqueFd> duplicate_standard(int fd) {
  sys::UniqueFd borrowed(fd);
  Result<sys::UniqueFd> copy = sys::duplicate(borrowed);
  static_cast<void>(borrowed.release());
  return copy;
}

}  // namespace

Result<ArchiveOutput> create_archive(const std::string& file) {
  if (file != kStandardStream) return ArchiveOutput::create(file);
  if (::isatty(STDOUT_FILENO) != 0)
    return std::unexpected(
        Error(ErrorCode::kInvalidInput, "an archive is not written to a terminal")
            .with_hint("name a file, or send the output to another program"));
  return ArchiveOutput::to_stream(REPRISE_PASS(duplicate_standard(STDOUT_FILENO)));
}

Result<sys::UniqueFd> open_archive(const std::string& file) {
  if (file == kStandardStream) return duplicate_standard(STDIN_FILENO);
  return sys::open_file(file, O_RDONLY);
}

}  // namespace reprise::cli
