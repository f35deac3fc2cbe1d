// SPDX-License-Identifier: Apache-2.0
#include <archive.h>
#include <unistd.h>

#include <cerrno>

#include "archive/internal/locale.h"
#include "archive/tar.h"

namespace reprise::archive {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

constexpr int kBytesPerBlock = 256 * 1024;
// Memory is half noise: higher levels cost much time and gain little.
constexpr const char* kGzipLevel = "4";
constexpr const char* kZstdLevel = "3";

int add_compression(::archive* writer, Compression compression) {
  int status = ARCHIVE_OK;
  switch (compression) {
    case Compression::kNone:
      return ::archive_write_add_filter_none(writer);
    case Compression::kGzip:
      status = ::archive_write_add_filter_gzip(writer);
      if (status != ARCHIVE_OK) return status;
      return ::archive_write_set_filter_option(writer, "gzip", "compression-level", kGzipLevel);
    case Compression::kZstd:
      status = ::archive_write_add_filter_zstd(writer);
      if (status != ARCHIVE_OK) return status;
      return ::archive_write_set_filter_option(writer, "zstd", "compression-level", kZstdLevel);
  }
  return ARCHIVE_FATAL;
}

}  // namespace

WriteBytes write_to(int fd) {
  return [fd](std::span<const char> data) -> Result<void> {
    while (!data.empty()) {
      const ssize_t written = ::write(fd, data.data(), data.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return base::fail_errno(errno, "writing the archive");
      data = data.subspan(static_cast<std::size_t>(written));
    }
    return {};
  };
}

struct TarWriter::State {
  struct Free {
    void operator()(::archive* unfinished) const {
      // Unfinished: freeing it must not write the end of a whole archive.
      ::archive_write_fail(unfinished);
      ::archive_write_free(unfinished);
    }
  };

  static la_ssize_t take(::archive* writer, void* self, const void* data, std::size_t size) {
    auto* state = static_cast<State*>(self);
    if (state->failure) return -1;
    Result<void> written = state->sink({static_cast<const char*>(data), size});
    if (written) return static_cast<la_ssize_t>(size);
    state->failure = std::move(written).error();
    ::archive_set_error(writer, EIO, "the destination failed");
    return -1;
  }

  [[nodiscard]] Error error() const {
    if (failure) return *failure;
    const char* why = ::archive_error_string(writer.get());
    return {ErrorCode::kIo, std::string("writing a tar archive: ") + (why == nullptr ? "?" : why)};
  }

  WriteBytes sink;
  std::optional<Error> failure;
  std::uint64_t missing = 0;  // bytes that the present entry still needs
  std::unique_ptr<::archive, Free> writer;
};

TarWriter::TarWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarWriter::TarWriter(TarWriter&&) noexcept = default;
TarWriter& TarWriter::operator=(TarWriter&&) noexcept = default;
TarWriter::~TarWriter() = default;

Result<TarWriter> TarWriter::open(WriteBytes sink, Compression compression) {
  auto state = std::make_unique<State>();
  state->sink = std::move(sink);
  state->writer.reset(::archive_write_new());
  ::archive* writer = state->writer.get();
  REPRISE_ASSERT(writer != nullptr);
  const Utf8Locale utf8;
  // One header of each attribute, the one that GNU tar and Podman read.
  if (::archive_write_set_format_pax(writer) != ARCHIVE_OK ||
      ::archive_write_set_format_option(writer, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
      add_compression(writer, compression) != ARCHIVE_OK ||
      ::archive_write_set_bytes_per_block(writer, kBytesPerBlock) != ARCHIVE_OK ||
      ::archive_write_set_bytes_in_last_block(writer, 1) != ARCHIVE_OK ||
      ::archive_write_open(writer, state.get(), nullptr, &State::take, nullptr) != ARCHIVE_OK)
    return std::unexpected(state->error());
  return TarWriter(std::move(state));
}

// libarchive would fill up a short file with zeros and cut a long one, in silence.
Result<void> TarWriter::check_complete() {
  if (state_->missing == 0) return {};
  return fail(ErrorCode::kInternal, "a file of the archive was written short by " +
                                        std::to_string(state_->missing) + " bytes");
}

Result<void> TarWriter::begin(const Entry& entry) {
  REPRISE_PASS(check_complete());
  const Utf8Locale utf8;
  // A warning is about a name that is not UTF-8: it is written as it is.
  if (::archive_write_header(state_->writer.get(), entry.get()) < ARCHIVE_WARN)
    return std::unexpected(state_->error());
  state_->missing = entry.kind() == Kind::kFile ? entry.size() : 0;
  return {};
}

Result<void> TarWriter::write(std::span<const char> data) {
  if (data.size() > state_->missing)
    return fail(ErrorCode::kInternal, "a file of the archive is longer than it declared");
  if (::archive_write_data(state_->writer.get(), data.data(), data.size()) < 0)
    return std::unexpected(state_->error());
  if (state_->failure) return std::unexpected(*state_->failure);
  state_->missing -= data.size();
  return {};
}

Result<void> TarWriter::finish() {
  REPRISE_PASS(check_complete());
  if (::archive_write_close(state_->writer.get()) != ARCHIVE_OK)
    return std::unexpected(state_->error());
  return {};
}

}  // namespace reprise::archive
