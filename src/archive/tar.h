// SPDX-License-Identifier: Apache-2.0
//
// Tar archives as streams, by libarchive: read (plain, gzip or zstd) and written (pax), one entry
// after the other, nothing held in memory but one block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct archive_entry;

namespace reprise::archive {

using base::Result;

// Fills `buffer` from its begin and returns how much; 0 at the end.
using ReadBytes = std::function<Result<std::size_t>(std::span<char> buffer)>;
using WriteBytes = std::function<Result<void>(std::span<const char> data)>;

// Of a descriptor, which must stay open as long as the function is used.
ReadBytes read_from(int fd);
WriteBytes write_to(int fd);

enum class Kind : std::uint8_t {
  kFile,
  kDirectory,
  kSymlink,
  kHardLink,
  kFifo,
  kCharacterDevice,
  kBlockDevice,
  kOther,
};
std::string_view to_string(Kind kind);

// The header of one entry. Carries everything that a file system tree has: owners, modes, times,
// extended attributes, ACLs, holes.
class Entry {
 public:
  Entry();
  explicit Entry(archive_entry* entry);  // a copy
  static Entry file(const std::string& name, std::uint64_t bytes);
  static Entry directory(const std::string& name);

  // As it stands in the archive: not checked in any way.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] Kind kind() const;
  [[nodiscard]] std::uint64_t size() const;       // with its holes
  [[nodiscard]] std::string link_target() const;  // of a symbolic or hard link
  [[nodiscard]] bool is_whiteout() const;  // character device 0/0, as overlayfs marks deletions
  [[nodiscard]] std::int64_t uid() const;
  [[nodiscard]] std::int64_t gid() const;
  [[nodiscard]] std::int64_t mtime() const;  // seconds since 1970
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> xattrs() const;
  [[nodiscard]] std::optional<std::string> xattr(std::string_view name) const;

  void set_name(const std::string& name);
  void set_hard_link(const std::string& target);
  void set_symlink(const std::string& target);
  void set_owner(std::int64_t uid, std::int64_t gid);
  void set_mode(std::uint32_t permissions);
  void set_mtime(std::int64_t seconds, long nanoseconds);
  void set_xattrs(const std::vector<std::pair<std::string, std::string>>& xattrs);
  // A device or fifo.
  void set_special(Kind kind, unsigned major, unsigned minor);
  // Owners by number only: names would be looked up on whatever host reads the archive.
  void forget_owner_names();

  [[nodiscard]] archive_entry* get() const { return entry_.get(); }

 private:
  struct Free {
    void operator()(archive_entry* entry) const;
  };
  std::unique_ptr<archive_entry, Free> entry_;
};

class TarReader {
 public:
  // Reads nothing yet.
  static Result<TarReader> open(ReadBytes source);
  TarReader(TarReader&&) noexcept;
  TarReader& operator=(TarReader&&) noexcept;
  ~TarReader();

  // The next header; what was left of the entry before it is skipped. nullopt at the end. kCorrupt
  // for what is not a tar archive, is damaged, or ends too early; the source's error if that
  // failed.
  Result<std::optional<Entry>> next();
  // Contents of the entry, holes as zeros; 0 at its end.
  Result<std::size_t> read(std::span<char> buffer);

 private:
  struct State;
  explicit TarReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

enum class Compression : std::uint8_t { kNone, kGzip, kZstd };

class TarWriter {
 public:
  static Result<TarWriter> open(WriteBytes sink, Compression compression);
  TarWriter(TarWriter&&) noexcept;
  TarWriter& operator=(TarWriter&&) noexcept;
  // Without finish() the archive is left without its end, which readers refuse.
  ~TarWriter();

  // Begins an entry; a file's contents follow with write(), exactly as many bytes as it declared
  // (kInternal from the next call otherwise).
  Result<void> begin(const Entry& entry);
  Result<void> write(std::span<const char> data);
  Result<void> finish();

 private:
  struct State;
  explicit TarWriter(std::unique_ptr<State> state);
  Result<void> check_complete();
  std::unique_ptr<State> state_;
};

// All that `source` gives, to `sink`. Returns how many bytes.
Result<std::uint64_t> copy_contents(const ReadBytes& source, const WriteBytes& sink);
// The rest of the reader's entry, to `sink`. Returns how many bytes.
Result<std::uint64_t> copy_contents(TarReader& reader, const WriteBytes& sink);
// At most `limit` bytes of it; kCorrupt if there are more.
Result<std::string> text_of(TarReader& reader, const Entry& entry, std::size_t limit);

}  // namespace reprise::archive
