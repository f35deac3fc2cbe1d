// SPDX-License-Identifier: Apache-2.0
#include "pages/pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "sys/files.h"

namespace reprise::pages {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fail_errno;
using std::filesystem::path;

namespace {

// docs/format/pack.md
constexpr std::string_view kMagic = "RPRSPACK";
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kIdAt = 16;
constexpr std::size_t kIdBytes = 32;
constexpr std::size_t kKeyAt = 48;
constexpr std::size_t kKeyBytes = 40;
constexpr std::size_t kHeaderSumAt = 88;
constexpr std::size_t kPackHeaderBytes = 96;
constexpr std::uint32_t kRecordMagic = 0x314B4C42;  // "BLK1"
constexpr std::size_t kRecordSumAt = 24;
// Nothing that seal_block makes is larger.
constexpr std::uint32_t kMaxSealed = 2U << 20;

using Header = std::array<std::byte, kPackHeaderBytes>;
using Record = std::array<std::byte, kRecordBytes>;

std::uint64_t checksum(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

void put_text(std::span<std::byte> out, std::string_view text) {
  std::memcpy(out.data(), text.data(), std::min(text.size(), out.size()));
}

std::string get_text(std::span<const std::byte> bytes) {
  const std::string_view text = base::as_text(bytes);
  return std::string(text.substr(0, text.find('\0')));
}

Header header_of(std::string_view id, std::string_view key_id) {
  Header header{};
  put_text(std::span(header), kMagic);
  base::put_u32(std::span(header).subspan(kVersionAt), kPackVersion);
  put_text(std::span(header).subspan(kIdAt, kIdBytes), id);
  put_text(std::span(header).subspan(kKeyAt, kKeyBytes), key_id);
  base::put_u64(std::span(header).subspan(kHeaderSumAt),
                checksum(std::span(header).first(kHeaderSumAt)));
  return header;
}

}  // namespace

std::uint64_t stored_bytes_of(const BlockPlace& place) {
  return kRecordBytes + std::uint64_t{place.bytes};
}

std::uint64_t stored_bytes_of(std::span<const BlockPlace> places) {
  std::uint64_t bytes = 0;
  for (const BlockPlace& place : places) bytes += stored_bytes_of(place);
  return bytes;
}

path pack_file(const path& directory, const std::string& id) { return directory / (id + ".pack"); }

Result<std::vector<std::string>> pack_ids(const path& directory) {
  constexpr std::string_view kSuffix = ".pack";
  std::vector<std::string> ids;
  for (const std::string& name : REPRISE_PASS(sys::names_in(directory)))
    if (name.ends_with(kSuffix)) ids.push_back(name.substr(0, name.size() - kSuffix.size()));
  return ids;
}

// --- writing

Result<PackWriter> PackWriter::create(const path& directory, std::string id,
                                      std::string_view key_id) {
  sys::AppendFile file = REPRISE_PASS(sys::AppendFile::create(pack_file(directory, id)));
  PackWriter writer(std::move(id), std::move(file));
  const Header header = header_of(writer.id_, key_id);
  REPRISE_PASS(writer.write_all(header));
  return writer;
}

Result<void> PackWriter::write_all(std::span<const std::byte> bytes) {
  REPRISE_TRY(file_.append(bytes), "writing pack '" + id_ + "'");
  return {};
}

Result<BlockPlace> PackWriter::append(const BlockId& id, std::span<const std::byte> sealed) {
  BlockPlace place{
      .pack = id_, .id = id, .offset = bytes(), .bytes = static_cast<std::uint32_t>(sealed.size())};
  Record record{};
  base::put_u32(std::span(record), kRecordMagic);
  base::put_u32(std::span(record).subspan(4), place.bytes);
  std::ranges::copy(id, record.begin() + 8);
  base::put_u64(std::span(record).subspan(kRecordSumAt),
                checksum(std::span(record).first(kRecordSumAt)));
  REPRISE_PASS(write_all(record));
  REPRISE_PASS(write_all(sealed));
  return place;
}

Result<void> PackWriter::finish() {
  REPRISE_TRY(file_.finish(), "writing pack '" + id_ + "'");
  return {};
}

// --- reading

Result<PackReader> PackReader::open(const path& directory, const std::string& id) {
  Result<sys::UniqueFd> fd = sys::open_file(pack_file(directory, id), O_RDONLY | O_NOFOLLOW);
  if (!fd && fd.error().error_number() == ENOENT)
    return fail(ErrorCode::kNotFound, "pack '" + id + "' is missing");
  if (!fd) return std::unexpected(std::move(fd).error());
  PackReader reader(id, std::move(*fd));
  REPRISE_TRY(reader.read_header(), "opening pack '" + id + "'");
  return reader;
}

Result<void> PackReader::read_header() {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return fail_errno(errno, "reading its size");
  bytes_ = static_cast<std::uint64_t>(status.st_size);
  Header header{};
  if (bytes_ < header.size()) return fail(ErrorCode::kCorrupt, "it is cut off");
  REPRISE_PASS(read_at(0, header));
  if (base::as_text(header).substr(0, kMagic.size()) != kMagic)
    return fail(ErrorCode::kCorrupt, "it is no pack");
  if (base::get_u64(std::span(header).subspan(kHeaderSumAt)) !=
      checksum(std::span(header).first(kHeaderSumAt)))
    return fail(ErrorCode::kCorrupt, "its header is damaged");
  if (base::get_u32(std::span(header).subspan(kVersionAt)) > kPackVersion)
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "it was written by a newer version of Reprise")
            .with_hint("upgrade Reprise on this host"));
  if (get_text(std::span(header).subspan(kIdAt, kIdBytes)) != id_)
    return fail(ErrorCode::kCorrupt, "it is another pack");
  key_id_ = get_text(std::span(header).subspan(kKeyAt, kKeyBytes));
  return {};
}

Result<void> PackReader::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (REPRISE_TRY(sys::read_at(fd_.get(), offset, out), "reading pack '" + id_ + "'") < out.size())
    return fail(ErrorCode::kCorrupt, "pack '" + id_ + "' is cut off");
  return {};
}

Result<BlockPlace> PackReader::record_at(std::uint64_t offset) const {
  Record record{};
  REPRISE_PASS(read_at(offset, record));
  BlockPlace place{
      .pack = id_, .offset = offset, .bytes = base::get_u32(std::span(record).subspan(4))};
  std::ranges::copy(std::span(record).subspan(8, place.id.size()), place.id.begin());
  if (base::get_u32(record) != kRecordMagic || place.bytes > kMaxSealed ||
      base::get_u64(std::span(record).subspan(kRecordSumAt)) !=
          checksum(std::span(record).first(kRecordSumAt)))
    return fail(ErrorCode::kCorrupt,
                "pack '" + id_ + "' is damaged at byte " + std::to_string(offset));
  return place;
}

bool PackReader::reaches(const BlockPlace& place) const {
  const std::uint64_t record = stored_bytes_of(place);
  return bytes_ >= record && place.offset <= bytes_ - record;
}

Result<base::RawBytes> PackReader::read(const BlockPlace& place) const {
  if (REPRISE_PASS(record_at(place.offset)) != place)
    return fail(ErrorCode::kCorrupt,
                "pack '" + id_ + "' has another block at byte " + std::to_string(place.offset));
  base::RawBytes sealed(place.bytes);
  REPRISE_PASS(read_at(place.offset + kRecordBytes, sealed));
  return sealed;
}

Result<void> PackReader::scan(const std::function<Result<void>(const BlockPlace&)>& visit) const {
  for (std::uint64_t offset = kPackHeaderBytes; offset < bytes_;) {
    const BlockPlace place = REPRISE_PASS(record_at(offset));
    offset += kRecordBytes + place.bytes;
    if (offset > bytes_) return fail(ErrorCode::kCorrupt, "pack '" + id_ + "' is cut off");
    REPRISE_PASS(visit(place));
  }
  return {};
}

}  // namespace reprise::pages
