// SPDX-License-Identifier: Apache-2.0
#include <archive.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "archive/internal/locale.h"
#include "archive/tar.h"

namespace reprise::archive {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

constexpr std::size_t kBlock = 512;          // of the tar format
constexpr std::size_t kBuffer = 256 * 1024;  // of each read

}  // namespace

ReadBytes read_from(int fd) {
  return [fd](std::span<char> buffer) -> Result<std::size_t> {
    for (;;) {
      const ssize_t got = ::read(fd, buffer.data(), buffer.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return base::fail_errno(errno, "reading the archive");
    }
  };
}

struct TarReader::State {
  struct Free {
    void operator()(::archive* opened_reader) const { ::archive_read_free(opened_reader); }
  };

  static la_ssize_t give(::archive* reader, void* self, const void** buffer) {
    auto* state = static_cast<State*>(self);
    Result<std::size_t> got = state->source(state->buffer);
    if (!got) {
      state->failure = std::move(got).error();
      ::archive_set_error(reader, EIO, "the source failed");
      return -1;
    }
    *buffer = state->buffer.data();
    return static_cast<la_ssize_t>(*got);
  }

  [[nodiscard]] Error error() const {
    if (failure) return *failure;
    const char* why = ::archive_error_string(reader.get());
    return {ErrorCode::kCorrupt,
            std::string("not a readable tar archive: ") + (why == nullptr ? "damaged" : why)};
  }

  ReadBytes source;
  std::vector<char> buffer = std::vector<char>(kBuffer);
  std::optional<Error> failure;
  std::unique_ptr<::archive, Free> reader;
  bool opened = false;
};

TarReader::TarReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader& TarReader::operator=(TarReader&&) noexcept = default;
TarReader::~TarReader() = default;

Result<TarReader> TarReader::open(ReadBytes source) {
  auto state = std::make_unique<State>();
  state->source = std::move(source);
  state->reader.reset(::archive_read_new());
  ::archive* reader = state->reader.get();
  REPRISE_ASSERT(reader != nullptr);
  // Nothing but what such archives are made of: each further format is a parser of hostile bytes.
  if (::archive_read_support_format_tar(reader) != ARCHIVE_OK ||
      ::archive_read_support_filter_gzip(reader) != ARCHIVE_OK ||
      ::archive_read_support_filter_zstd(reader) != ARCHIVE_OK)
    return fail(ErrorCode::kUnsupported, "libarchive was built without gzip or zstd");
  return TarReader(std::move(state));
}

Result<std::optional<Entry>> TarReader::next() {
  const Utf8Locale utf8;
  ::archive* reader = state_->reader.get();
  if (!state_->opened) {
    state_->opened = true;
    if (::archive_read_open(reader, state_.get(), nullptr, &State::give, nullptr) != ARCHIVE_OK)
      return std::unexpected(state_->error());
  }
  if (::archive_read_header_position(reader) > 0 || ::archive_file_count(reader) > 0)
    if (::archive_read_data_skip(reader) < ARCHIVE_WARN) return std::unexpected(state_->error());
  const la_int64_t before = ::archive_filter_bytes(reader, 0);
  archive_entry* entry = nullptr;
  const int status = ::archive_read_next_header(reader, &entry);
  if (status == ARCHIVE_EOF) {
    // libarchive takes the end of the bytes for the end of the archive. Every tar ends with a block
    // of zeros, so what has none was cut off, if only between two entries.
    if (::archive_filter_bytes(reader, 0) - before < static_cast<la_int64_t>(kBlock))
      return fail(ErrorCode::kCorrupt, "the archive is truncated: its end is missing");
    return std::optional<Entry>();
  }
  // A warning is about a name that is not UTF-8, which file names need not be, or about damage that
  // libarchive would skip.
  if (status != ARCHIVE_OK && (status != ARCHIVE_WARN || Entry(entry).name().empty()))
    return std::unexpected(state_->error());
  return std::optional<Entry>(std::in_place, entry);
}

Result<std::size_t> TarReader::read(std::span<char> buffer) {
  const la_ssize_t got = ::archive_read_data(state_->reader.get(), buffer.data(), buffer.size());
  if (got < 0) return std::unexpected(state_->error());
  return static_cast<std::size_t>(got);
}

Result<std::uint64_t> copy_contents(const ReadBytes& source, const WriteBytes& sink) {
  std::vector<char> buffer(kBuffer);
  std::uint64_t total = 0;
  while (const std::size_t got = REPRISE_PASS(source(buffer))) {
    REPRISE_PASS(sink(std::span<const char>(buffer.data(), got)));
    total += got;
  }
  return total;
}

Result<std::uint64_t> copy_contents(TarReader& reader, const WriteBytes& sink) {
  return copy_contents([&reader](std::span<char> buffer) { return reader.read(buffer); }, sink);
}

Result<std::string> text_of(TarReader& reader, const Entry& entry, std::size_t limit) {
  if (entry.size() > limit)
    return fail(ErrorCode::kCorrupt, "it has " + std::to_string(entry.size()) + " bytes; at most " +
                                         std::to_string(limit) + " make sense");
  std::string text;
  REPRISE_PASS(copy_contents(reader, [&text](std::span<const char> data) -> Result<void> {
    text.append(data.data(), data.size());
    return {};
  }));
  return text;
}

}  // namespace reprise::archive
