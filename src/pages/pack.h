// SPDX-License-Identifier: Apache-2.0
//
// A pack: a file of sealed blocks, one after the other; docs/format/pack.md. Written once, appended
// to until it is sealed by an fsync, never changed afterwards.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pages/block.h"
#include "sys/append_file.h"
#include "sys/unique_fd.h"

namespace reprise::pages {

// Where a block lies.
struct BlockPlace {
  std::string pack;  // its id
  BlockId id{};
  std::uint64_t offset = 0;  // of the block's record in the pack
  std::uint32_t bytes = 0;   // sealed, without the record's header
  bool operator==(const BlockPlace&) const = default;
};

inline constexpr std::uint32_t kPackVersion = 1;
inline constexpr std::size_t kRecordBytes = 32;  // before each sealed block
// A pack is closed when it has so many bytes: it is the unit that gc removes and that is uploaded.
inline constexpr std::uint64_t kPackLimit = std::uint64_t{1} << 30;

// What a block takes in its pack, with the record's header.
std::uint64_t stored_bytes_of(const BlockPlace& place);
std::uint64_t stored_bytes_of(std::span<const BlockPlace> places);

// A pack of which less than one half is needed is rewritten: then at least as much becomes free as
// is written.
inline bool is_sparse(std::uint64_t needed, std::uint64_t bytes) { return needed < bytes / 2; }

class PackWriter {
 public:
  // A new pack in the file DIRECTORY/ID.pack, which must not exist. `key_id` tells whose it is.
  static Result<PackWriter> create(const std::filesystem::path& directory, std::string id,
                                   std::string_view key_id);
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::uint64_t bytes() const { return file_.size(); }
  // Appends a block. Waits for the disk while that is 8 MiB behind. kIo when the disk is full, also
  // by what was appended before; the pack is unusable then.
  Result<BlockPlace> append(const BlockId& id, std::span<const std::byte> sealed);
  // Makes all durable; nothing may be appended afterwards. Blocks on the disk.
  Result<void> finish();

 private:
  PackWriter(std::string id, sys::AppendFile file) : id_(std::move(id)), file_(std::move(file)) {}
  Result<void> write_all(std::span<const std::byte> bytes);

  std::string id_;
  sys::AppendFile file_;
};

class PackReader {
 public:
  // kNotFound if there is none, kCorrupt if it is no pack, kUnsupported if a newer version wrote
  // it.
  static Result<PackReader> open(const std::filesystem::path& directory, const std::string& id);
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& key_id() const { return key_id_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  // Whether it is long enough for a block there.
  [[nodiscard]] bool reaches(const BlockPlace& place) const;
  // The sealed bytes of a block. kCorrupt if another lies there. May be called by several threads.
  Result<base::RawBytes> read(const BlockPlace& place) const;
  // Every block in order, until the end or the first damaged record (kCorrupt).
  Result<void> scan(const std::function<Result<void>(const BlockPlace&)>& visit) const;

 private:
  PackReader(std::string id, sys::UniqueFd fd) : id_(std::move(id)), fd_(std::move(fd)) {}
  Result<void> read_header();
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const;
  Result<BlockPlace> record_at(std::uint64_t offset) const;

  std::string id_;
  std::string key_id_;
  sys::UniqueFd fd_;
  std::uint64_t bytes_ = 0;
};

// Ids of the packs in a directory, sorted.
Result<std::vector<std::string>> pack_ids(const std::filesystem::path& directory);
std::filesystem::path pack_file(const std::filesystem::path& directory, const std::string& id);

}  // namespace reprise::pages
