// SPDX-License-Identifier: Apache-2.0
#include "exchange/archive_import.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>

#include "archive/entry_name.h"
#include "archive/members.h"
#include "base/clock.h"
#include "base/log.h"
#include "image/part_names.h"
#include "sys/beneath.h"
#include "sys/files.h"

namespace reprise::exchange {

using archive::Entry;
using archive::Member;
using archive::TarReader;
using archive::Use;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// Far above what any of them needs; config.dump has about 30 kB.
constexpr std::size_t kTextLimit = std::size_t{16} << 20;
constexpr std::size_t kMaxMembers = 1'000'000;
// What an import leaves free on the file system of the store, for everything else there.
constexpr std::uint64_t kReserve = std::uint64_t{64} << 20;

// An archive without entries.
archive::ReadBytes empty_tar() {
  return [given = false](std::span<char> buffer) mutable -> Result<std::size_t> {
    constexpr std::size_t kEnd = 1024;  // two blocks of zeros
    if (given) return std::size_t{0};
    given = true;
    std::ranges::fill(buffer.first(kEnd), '\0');
    return kEnd;
  };
}

class Import {
 public:
  Import(store::Store& store, ImportRequest request)
      : store_(store), request_(std::move(request)) {}

  Result<ImportedCheckpoint> run(const std::filesystem::path& store);

 private:
  Result<void> read_members();
  Result<void> read_member(TarReader& reader, const Entry& entry);
  Result<void> read_image(TarReader& reader, const Entry& entry, const std::string& name);
  Result<void> read_tree(TarReader& reader, const Entry& entry, const std::string& name);
  Result<void> check_complete() const;
  Result<void> take_space(const std::string& name, std::uint64_t bytes);
  Result<void> write_parts(const Recreation& recreation);
  Result<void> write_part(std::string_view name,
                          const std::function<Result<void>(const archive::WriteBytes&)>& write);
  Result<std::vector<std::string>> deleted_files() const;
  [[nodiscard]] std::function<Result<archive::ReadBytes>()> tree(std::string_view name) const;
  [[nodiscard]] std::string_view text(std::string_view name) const;
  Result<image::Manifest> describe() const;
  Result<image::Manifest> publish(const Recreation& recreation);

  store::Store& store_;
  ImportRequest request_;
  std::unique_ptr<store::CheckpointWriter> writer_;
  sys::UniqueFd images_;
  std::uint64_t space_ = 0;
  std::set<std::string> members_;
  std::map<std::string, std::string, std::less<>> texts_;
  std::map<std::string, sys::UniqueFd, std::less<>> trees_;  // unnamed files
  std::vector<std::string> left_out_;
  std::uint64_t memory_bytes_ = 0;
  base::UnixMillis taken_ = 0;
  archive::ContainerWishes wishes_;
};

Result<ImportedCheckpoint> Import::run(const std::filesystem::path& store) {
  REPRISE_PASS(store_.checkpoints->sweep());
  writer_ = REPRISE_TRY(store_.checkpoints->begin({}), "preparing the store");
  const std::uint64_t free = REPRISE_PASS(sys::free_bytes(store));
  space_ = free > kReserve ? free - kReserve : 0;
  images_ = REPRISE_PASS(sys::open_file(writer_->pages().spool(), O_PATH | O_DIRECTORY));
  REPRISE_TRY(read_members(), "reading the archive");
  REPRISE_TRY(check_complete(), "reading the archive");
  wishes_ = REPRISE_TRY(
      archive::parse_container_dump(text(archive::kConfigDump), text(archive::kSpecDump)),
      "reading the archive");
  const Recreation recreation = REPRISE_PASS(request_.plan(wishes_));
  REPRISE_PASS(write_parts(recreation));
  image::Manifest manifest = REPRISE_PASS(publish(recreation));
  return ImportedCheckpoint{
      .manifest = std::move(manifest), .wishes = std::move(wishes_), .left_out = left_out_};
}

Result<void> Import::read_members() {
  TarReader reader = REPRISE_PASS(TarReader::open(std::move(request_.source)));
  while (const std::optional<Entry> entry = REPRISE_PASS(reader.next()))
    REPRISE_PASS(read_member(reader, *entry));
  return {};
}

Result<void> Import::read_member(TarReader& reader, const Entry& entry) {
  const Member member = REPRISE_PASS(archive::classify(entry));
  const std::string shown = archive::in_ticks(member.name);
  if (member.name == ".") return {};
  if (!members_.insert(member.name).second)
    return fail(ErrorCode::kCorrupt, shown + " stands in it twice");
  if (members_.size() > kMaxMembers)
    return fail(ErrorCode::kCorrupt,
                "it has more than " + std::to_string(kMaxMembers) + " members");
  // Also of what is not kept: a bomb is one wherever it explodes.
  REPRISE_PASS(take_space(shown, entry.size()));
  switch (member.use) {
    case Use::kImage:
      REPRISE_TRY(read_image(reader, entry, member.name), "reading " + shown);
      return {};
    case Use::kTree:
      REPRISE_TRY(read_tree(reader, entry, member.name), "reading " + shown);
      return {};
    case Use::kText:
      texts_[member.name] =
          REPRISE_TRY(archive::text_of(reader, entry, kTextLimit), "reading " + shown);
      return {};
    case Use::kVolume:
      left_out_.push_back(member.name);
      return {};
    case Use::kNothing:
      return {};
  }
  return {};
}

Result<void> Import::take_space(const std::string& name, std::uint64_t bytes) {
  if (bytes > space_)
    return fail(ErrorCode::kIo, name + " is declared with " + std::to_string(bytes) +
                                    " bytes; the store has space for " + std::to_string(space_));
  space_ -= bytes;
  return {};
}

Result<void> Import::read_image(TarReader& reader, const Entry& entry, const std::string& name) {
  const std::string file(archive::last_part_of(name));
  const sys::UniqueFd fd = REPRISE_PASS(
      sys::open_beneath(images_, file, O_CREAT | O_EXCL | O_WRONLY, sys::kPrivateFile));
  REPRISE_PASS(archive::copy_contents(reader, archive::write_to(fd.get())));
  if (file.starts_with("pages-")) memory_bytes_ += entry.size();
  constexpr std::int64_t kMillis = 1000;
  if (file == archive::kInventory)
    taken_ =
        std::clamp<std::int64_t>(entry.mtime(), 0, base::now_unix_millis() / kMillis) * kMillis;
  return {};
}

// Trees are kept aside until everything else is known: what was deleted may stand behind them.
Result<void> Import::read_tree(TarReader& reader, const Entry& entry, const std::string& name) {
  sys::UniqueFd fd = REPRISE_PASS(sys::open_file(writer_->pages().spool(), O_TMPFILE | O_RDWR));
  REPRISE_PASS(archive::copy_contents(reader, archive::write_to(fd.get())));
  if (entry.size() > 0) trees_[name] = std::move(fd);
  return {};
}

Result<void> Import::check_complete() const {
  const std::string inventory =
      std::string(archive::kImages) + "/" + std::string(archive::kInventory);
  for (const std::string& name :
       {std::string(archive::kConfigDump), std::string(archive::kSpecDump), inventory})
    if (!members_.contains(name))
      return std::unexpected(
          base::Error(ErrorCode::kCorrupt, "'" + name + "' is missing")
              .with_hint("archives of 'podman container checkpoint --export', of the kubelet's "
                         "checkpoint API and of 'reprise checkpoint export' can be imported"));
  return {};
}

std::string_view Import::text(std::string_view name) const {
  const auto found = texts_.find(name);
  return found == texts_.end() ? std::string_view() : found->second;
}

std::function<Result<archive::ReadBytes>()> Import::tree(std::string_view name) const {
  const auto found = trees_.find(name);
  if (found == trees_.end()) return []() -> Result<archive::ReadBytes> { return empty_tar(); };
  return [fd = found->second.get()]() -> Result<archive::ReadBytes> {
    if (::lseek(fd, 0, SEEK_SET) != 0) return base::fail_errno(errno, "rereading a file tree");
    return archive::read_from(fd);
  };
}

Result<std::vector<std::string>> Import::deleted_files() const {
  if (!texts_.contains(archive::kDeletedFiles)) return std::vector<std::string>();
  return archive::parse_deleted_files(text(archive::kDeletedFiles));
}

Result<void> Import::write_part(
    std::string_view name, const std::function<Result<void>(const archive::WriteBytes&)>& write) {
  const auto file = REPRISE_PASS(writer_->part(name));
  const sys::UniqueFd fd =
      REPRISE_PASS(sys::open_file(file, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW));
  return write(archive::write_to(fd.get()));
}

Result<void> Import::write_parts(const Recreation& recreation) {
  const auto deleted = REPRISE_PASS(deleted_files());
  const archive::ForeignChanges changes{.tar = tree(archive::kRootfsDiff),
                                        .dialect = texts_.contains(archive::kContainerdStatus)
                                                       ? archive::Dialect::kOciLayer
                                                       : archive::Dialect::kList,
                                        .deleted = deleted,
                                        .image_directory = recreation.image_directory,
                                        .limit = space_};
  REPRISE_TRY(write_part(image::kRootfsPart,
                         [&](const archive::WriteBytes& sink) {
                           return archive::write_upper(changes, sink);
                         }),
              "reading 'rootfs-diff.tar'");
  if (trees_.contains(archive::kShm))
    REPRISE_TRY(write_part(image::kShmPart,
                           [&](const archive::WriteBytes& sink) {
                             return archive::write_plain_tree(tree(archive::kShm), space_, sink);
                           }),
                "reading 'devshm-checkpoint.tar'");
  return writer_->keep_part(image::kSpecPart, std::string(text(archive::kSpecDump)));
}

Result<image::Manifest> Import::describe() const {
  image::Manifest manifest;
  manifest.key = REPRISE_PASS(base::ContainerKey::parse("import-" + writer_->id().str()));
  manifest.container = REPRISE_PASS(base::ContainerId::parse_optional(wishes_.id));
  manifest.name = wishes_.name.empty() ? "import-" + writer_->id().str() : wishes_.name;
  manifest.trigger = image::Trigger::kImport;
  manifest.created = taken_;
  manifest.memory_bytes = memory_bytes_;
  manifest.runtime_version = wishes_.runtime;
  if (texts_.contains(archive::kNetworkStatus))
    manifest.addresses = REPRISE_PASS(archive::parse_network_status(text(archive::kNetworkStatus)));
  manifest.mounts = wishes_.bind_mounts;
  return manifest;
}

Result<image::Manifest> Import::publish(const Recreation& recreation) {
  const image::Manifest described = REPRISE_PASS(describe());
  REPRISE_TRY(writer_->pages().absorb(), "storing the images");
  image::Manifest sealed = REPRISE_PASS(writer_->seal(described));
  const auto recorded = [&]() -> Result<void> {
    catalog::ContainerRow row = recreation.row;
    row.key = sealed.key;
    row.name = sealed.name;
    REPRISE_PASS(store_.catalog.put_container(row));
    return store_.catalog.add_checkpoint(sealed, request_.tag, catalog::Catalog::Continue::kNo);
  }();
  if (recorded) {
    base::warn_and_ignore(writer_->settle(), "its pages will be stored again");
    return sealed;
  }
  base::Error error = base::Error(recorded.error()).with_step("adding it to the catalog");
  if (const auto removed = store_.checkpoints->remove(sealed.id); !removed)
    error = std::move(error).with_suppressed(removed.error());
  return std::unexpected(std::move(error));
}

}  // namespace

Result<ImportedCheckpoint> import_archive(store::Store& store, const std::filesystem::path& root,
                                          ImportRequest request) {
  return Import(store, std::move(request)).run(root);
}

}  // namespace reprise::exchange
