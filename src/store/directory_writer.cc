// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <optional>

#include "base/fault.h"
#include "store/internal/directory_writer.h"
#include "store/internal/stored_files.h"
#include "sys/file_lock.h"

namespace reprise::store {

using base::CheckpointId;
using base::ErrorCode;
using base::fail;

namespace {

using Files = std::vector<image::ManifestFile>;

// Creating a staging directory takes no longer than that, even on a busy disk.
constexpr std::chrono::seconds kCreationTimeout{10};

// Takes charge of the files of one subdirectory: ours alone, on their way to the disk, digested.
// Writing is started for all of them first, so that it goes on while the digests are computed.
Result<Files> take_files(const path& checkpoint, const std::string& subdirectory) {
  const std::string prefix = subdirectory + '/';
  const Listing listing = REPRISE_PASS(list_files(checkpoint));
  const auto foreign = std::ranges::find_if(
      listing.foreign, [&](const std::string& name) { return name.starts_with(prefix); });
  if (foreign != listing.foreign.end())
    return fail(ErrorCode::kUnsupported, "'" + *foreign + "' is not a regular file");
  for (const FoundFile& found : listing.files)
    if (found.name.starts_with(prefix)) REPRISE_PASS(settle_file(checkpoint / found.name));
  Files files;
  for (const FoundFile& found : listing.files)
    if (found.name.starts_with(prefix))
      files.push_back(
          {found.name, found.bytes, REPRISE_PASS(digest_file(checkpoint / found.name))});
  return files;
}

class SpoolSink final : public image::PageSink {
 public:
  explicit SpoolSink(path checkpoint)
      : checkpoint_(std::move(checkpoint)), spool_(checkpoint_ / kSpoolDirectory) {}

  [[nodiscard]] const path& spool() const override { return spool_; }

  Result<void> absorb() override {
    if (absorbed_) return fail(ErrorCode::kInternal, "the pages were absorbed already");
    absorbed_ = REPRISE_TRY(take_files(checkpoint_, kSpoolDirectory), "taking what CRIU wrote");
    return {};
  }

  [[nodiscard]] Files files() const { return absorbed_.value_or(Files{}); }

 private:
  path checkpoint_;
  path spool_;
  std::optional<Files> absorbed_;
};

class DirectoryWriter final : public CheckpointWriter {
 public:
  DirectoryWriter(const StoreLayout& layout, CheckpointId id, sys::FileLock lock)
      : layout_(layout),
        id_(std::move(id)),
        directory_(layout_.staged(id_)),
        lock_(std::move(lock)),
        sink_(directory_) {}

  ~DirectoryWriter() override {
    // What cannot be removed now is swept later.
    if (!sealed_) (void)sys::remove_tree(directory_);
    release_lock();
  }
  DirectoryWriter(const DirectoryWriter&) = delete;
  DirectoryWriter& operator=(const DirectoryWriter&) = delete;
  DirectoryWriter(DirectoryWriter&&) = delete;
  DirectoryWriter& operator=(DirectoryWriter&&) = delete;

  [[nodiscard]] const CheckpointId& id() const override { return id_; }
  image::PageSink& pages() override { return sink_; }

  Result<path> part(std::string_view name) override {
    return directory_ / kPartsDirectory / REPRISE_PASS(base::parse_id(name));
  }

  Result<image::Manifest> seal(image::Manifest manifest) override {
    return REPRISE_TRY(seal_steps(std::move(manifest)), "sealing checkpoint '" + id_.str() + "'");
  }

 private:
  Result<image::Manifest> seal_steps(image::Manifest manifest);
  Result<Files> all_files();
  Result<void> publish();
  void release_lock() {
    if (lock_) (void)sys::remove_tree(layout_.writer_lock(id_));
    lock_.reset();
  }

  StoreLayout layout_;
  CheckpointId id_;
  path directory_;
  std::optional<sys::FileLock> lock_;
  SpoolSink sink_;
  bool sealed_ = false;
};

Result<image::Manifest> DirectoryWriter::seal_steps(image::Manifest manifest) {
  if (sealed_) return fail(ErrorCode::kInternal, "the checkpoint was sealed already");
  manifest.id = id_;
  manifest.files = REPRISE_PASS(all_files());
  const std::string text = image::encode_manifest(manifest);
  // A checkpoint that could not be opened must not become one.
  image::Manifest as_read =
      REPRISE_TRY(image::decode_manifest(text), "reading the new manifest back");
  if (as_read.files != manifest.files)
    return fail(ErrorCode::kInvalidInput, "a file's name is not UTF-8");
  REPRISE_PASS(base::fault_point("seal-digested"));
  REPRISE_PASS(sys::sync_tree(directory_));
  REPRISE_PASS(base::fault_point("seal-synced"));
  REPRISE_PASS(sys::replace_file(directory_ / kManifestFile, text));
  REPRISE_PASS(base::fault_point("seal-manifest"));
  REPRISE_PASS(publish());
  sealed_ = true;
  release_lock();
  return as_read;
}

Result<Files> DirectoryWriter::all_files() {
  Files files = sink_.files();
  std::ranges::move(REPRISE_PASS(take_files(directory_, kPartsDirectory)),
                    std::back_inserter(files));
  std::ranges::sort(files, {}, &image::ManifestFile::name);
  // Catches a spool that was never absorbed, or written to afterwards.
  const image::Manifest expected{.files = files};
  const Listing listing = REPRISE_PASS(list_files(directory_));
  REPRISE_PASS(check_sizes(expected, listing));
  REPRISE_PASS(check_nothing_added(expected, listing));
  return files;
}

Result<void> DirectoryWriter::publish() {
  const path sealed = layout_.sealed(id_);
  Result<void> renamed = sys::rename_durably(directory_, sealed);
  if (renamed) renamed = base::fault_point("seal-renamed");
  if (renamed) return {};
  // The rename itself may have happened, and only its fsync failed: take it back, so that an error
  // always means that nothing is visible. If that fails too, both failures are told.
  std::error_code unreadable;
  if (std::filesystem::exists(directory_, unreadable)) return renamed;
  if (Result<void> back = sys::rename_durably(sealed, directory_); !back)
    return std::unexpected(std::move(renamed).error().with_suppressed(std::move(back).error()));
  return renamed;
}

}  // namespace

Result<std::unique_ptr<CheckpointWriter>> begin_directory_checkpoint(const StoreLayout& layout) {
  const CheckpointId id(base::random_id());
  // Keeps a sweep from seeing the directory before its lock is held.
  const sys::FileLock creation = REPRISE_TRY(
      sys::FileLock::lock(layout.creation_lock(), kCreationTimeout), "beginning a checkpoint");
  sys::FileLock lock = REPRISE_TRY(sys::FileLock::try_lock(layout.writer_lock(id)),
                                   "beginning checkpoint '" + id.str() + "'");
  // From here on the writer cleans up, whatever fails.
  auto writer = std::make_unique<DirectoryWriter>(layout, id, std::move(lock));
  for (const char* directory : {kSpoolDirectory, kPartsDirectory})
    REPRISE_TRY(sys::make_directories(layout.staged(id) / directory),
                "beginning checkpoint '" + id.str() + "'");
  return writer;
}

}  // namespace reprise::store
