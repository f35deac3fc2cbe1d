// SPDX-License-Identifier: Apache-2.0
#include "cli/archive_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "sys/files.h"

namespace reprise::cli {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// The process's own descriptor stays open: it is not ours to close.
Result<sys::UniqueFd> duplicate_standard(int fd) {
  sys::UniqueFd borrowed(fd);
  Result<sys::UniqueFd> copy = sys::duplicate(borrowed);
  static_cast<void>(borrowed.release());
  return copy;
}

}  // namespace

Result<ArchiveOutput> ArchiveOutput::create(const std::string& file) {
  if (file != kStandardStream) {
    ArchiveOutput output(file, sys::UniqueFd());
    output.fd_ =
        REPRISE_PASS(sys::open_file(output.partial(), O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW));
    return output;
  }
  if (::isatty(STDOUT_FILENO) != 0)
    return std::unexpected(
        Error(ErrorCode::kInvalidInput, "an archive is not written to a terminal")
            .with_hint("name a file, or send the output to another program"));
  return ArchiveOutput({}, REPRISE_PASS(duplicate_standard(STDOUT_FILENO)));
}

ArchiveOutput::~ArchiveOutput() {
  if (!file_.empty() && fd_.valid()) static_cast<void>(sys::remove_tree(partial()));
}

Result<void> ArchiveOutput::commit() {
  if (file_.empty()) return {};
  if (::fsync(fd_.get()) != 0)
    return base::fail_errno(errno, "writing '" + partial().string() + "'");
  REPRISE_PASS(sys::rename_durably(partial(), file_));
  fd_.reset();
  return {};
}

Result<sys::UniqueFd> open_archive(const std::string& file) {
  if (file == kStandardStream) return duplicate_standard(STDIN_FILENO);
  return sys::open_file(file, O_RDONLY);
}

void ByteProgress::add(std::size_t bytes) {
  constexpr std::int64_t kEveryMs = 200;
  bytes_ += bytes;
  if (since_.elapsed_ms() - shown_ms_ < kEveryMs) return;
  shown_ms_ = since_.elapsed_ms();
  progress_.bytes(bytes_, 0);
  progress_.tick();
}

}  // namespace reprise::cli
