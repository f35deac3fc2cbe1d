// SPDX-License-Identifier: Apache-2.0
#include "operations/transfer/archive_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "sys/files.h"

namespace reprise::operations {

using base::Result;

Result<ArchiveOutput> ArchiveOutput::create(const std::filesystem::path& file) {
  ArchiveOutput output(file, sys::UniqueFd());
  output.fd_ =
      REPRISE_PASS(sys::open_file(output.partial(), O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW));
  return output;
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

void ByteProgress::add(std::size_t bytes) {
  constexpr std::int64_t kEveryMs = 200;
  bytes_ += bytes;
  if (since_.elapsed_ms() - shown_ms_ < kEveryMs) return;
  shown_ms_ = since_.elapsed_ms();
  progress_.bytes(bytes_, 0);
  progress_.tick();
}

}  // namespace reprise::operations
