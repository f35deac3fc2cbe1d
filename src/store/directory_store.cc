// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#include "store/checkpoint_store.h"
#include "store/internal/directory_writer.h"
#include "store/internal/store_layout.h"
#include "store/internal/stored_files.h"
#include "sys/file_lock.h"

namespace reprise::store {

using base::CheckpointId;
using base::ErrorCode;
using base::fail;
using base::fail_errno;
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kSweepTimeout{10};

std::unexpected<base::Error> no_such_checkpoint(const CheckpointId& id) {
  return fail(ErrorCode::kNotFound, "there is no checkpoint '" + id.str() + "'");
}

// Ids come from people and become file names.
Result<path> sealed_directory(const StoreLayout& layout, const CheckpointId& id) {
  if (!base::parse_id(id.str())) return no_such_checkpoint(id);
  std::error_code error;
  if (!fs::is_directory(layout.sealed(id), error)) {
    if (error && error != std::errc::no_such_file_or_directory)
      return fail_errno(error.value(), "looking for checkpoint '" + id.str() + "'");
    return no_such_checkpoint(id);
  }
  return layout.sealed(id);
}

Result<image::Manifest> load_manifest(const path& checkpoint, const CheckpointId& id) {
  Result<std::string> text = sys::read_file(checkpoint / kManifestFile);
  if (!text && text.error().error_number() == ENOENT)
    return fail(ErrorCode::kCorrupt, std::string("'") + kManifestFile + "' is missing");
  if (!text && text.error().code() == ErrorCode::kInvalidInput)
    return fail(ErrorCode::kCorrupt, text.error().message());
  if (!text) return std::unexpected(std::move(text).error());
  image::Manifest manifest =
      REPRISE_TRY(image::decode_manifest(*text), std::string("reading '") + kManifestFile + "'");
  if (manifest.id != id)
    return fail(ErrorCode::kCorrupt, std::string("'") + kManifestFile +
                                         "' is that of checkpoint '" + manifest.id.str() + "'");
  return manifest;
}

class DirectorySource final : public image::PageSource {
 public:
  DirectorySource(const image::Manifest& manifest, const path& checkpoint)
      : manifest_(manifest), checkpoint_(checkpoint) {}

  // Reading all of it costs little: CRIU reads the same pages next, from the cache then.
  Result<path> materialize() override {
    REPRISE_TRY(check_digests(manifest_, checkpoint_, std::string(kSpoolDirectory) + '/'),
                "reading checkpoint '" + manifest_.id.str() + "'");
    return checkpoint_ / kSpoolDirectory;
  }

 private:
  const image::Manifest& manifest_;
  const path& checkpoint_;
};

class DirectoryReader final : public CheckpointReader {
 public:
  DirectoryReader(image::Manifest manifest, path checkpoint)
      : manifest_(std::move(manifest)),
        checkpoint_(std::move(checkpoint)),
        source_(manifest_, checkpoint_) {}

  [[nodiscard]] const image::Manifest& manifest() const override { return manifest_; }
  image::PageSource& pages() override { return source_; }

  Result<path> part(std::string_view name) override {
    const std::string file = std::string(kPartsDirectory) + '/' + std::string(name);
    if (!std::ranges::binary_search(manifest_.files, file, {}, &image::ManifestFile::name))
      return fail(ErrorCode::kNotFound, "checkpoint '" + manifest_.id.str() + "' has no part '" +
                                            std::string(name) + "'");
    return checkpoint_ / file;
  }

 private:
  image::Manifest manifest_;
  path checkpoint_;
  DirectorySource source_;  // refers to the two above
};

// The names in a directory; none if it does not exist.
Result<std::vector<std::string>> names_in(const path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) return fail_errno(error.value(), "listing '" + directory.string() + "'");
  std::ranges::sort(names);
  return names;
}

class DirectoryStore final : public CheckpointStore {
 public:
  explicit DirectoryStore(StoreLayout layout) : layout_(std::move(layout)) {}

  Result<std::unique_ptr<CheckpointWriter>> begin() override {
    return begin_directory_checkpoint(layout_);
  }
  Result<std::unique_ptr<CheckpointReader>> open(const CheckpointId& id) override;
  Result<void> verify(const CheckpointId& id) override;
  Result<void> remove(const CheckpointId& id) override;
  Result<std::vector<CheckpointId>> list() override;
  Result<int> sweep() override;

 private:
  Result<std::optional<path>> take_over(const CheckpointId& id);

  StoreLayout layout_;
};

Result<std::unique_ptr<CheckpointReader>> DirectoryStore::open(const CheckpointId& id) {
  const std::string step = "opening checkpoint '" + id.str() + "'";
  path checkpoint = REPRISE_PASS(sealed_directory(layout_, id));
  image::Manifest manifest = REPRISE_TRY(load_manifest(checkpoint, id), step);
  const Listing listing = REPRISE_TRY(list_files(checkpoint), step);
  REPRISE_TRY(check_sizes(manifest, listing), step);
  return std::make_unique<DirectoryReader>(std::move(manifest), std::move(checkpoint));
}

Result<void> DirectoryStore::verify(const CheckpointId& id) {
  const std::string step = "verifying checkpoint '" + id.str() + "'";
  const path checkpoint = REPRISE_PASS(sealed_directory(layout_, id));
  const image::Manifest manifest = REPRISE_TRY(load_manifest(checkpoint, id), step);
  const Listing listing = REPRISE_TRY(list_files(checkpoint), step);
  REPRISE_TRY(check_sizes(manifest, listing), step);
  REPRISE_TRY(check_nothing_added(manifest, listing), step);
  REPRISE_TRY(check_digests(manifest, checkpoint, ""), step);
  return {};
}

Result<void> DirectoryStore::remove(const CheckpointId& id) {
  const Result<path> checkpoint = sealed_directory(layout_, id);
  if (!checkpoint && checkpoint.error().code() == ErrorCode::kNotFound) return {};
  const std::string step = "removing checkpoint '" + id.str() + "'";
  REPRISE_TRY(checkpoint, step);
  // Two who remove the same checkpoint: the slower one finds it gone.
  const Result<void> renamed = sys::rename_durably(*checkpoint, layout_.removed(id));
  if (!renamed && renamed.error().error_number() != ENOENT) REPRISE_TRY(renamed, step);
  REPRISE_TRY(sys::remove_tree(layout_.removed(id)), step);
  return {};
}

Result<std::vector<CheckpointId>> DirectoryStore::list() {
  std::vector<CheckpointId> ids;
  for (std::string& name : REPRISE_PASS(names_in(layout_.checkpoints())))
    if (base::parse_id(name)) ids.emplace_back(std::move(name));
  return ids;
}

// If the writer of `id` is dead: moves its directory out of the way, and returns where to.
Result<std::optional<path>> DirectoryStore::take_over(const CheckpointId& id) {
  Result<sys::FileLock> lock = sys::FileLock::try_lock(layout_.writer_lock(id));
  if (!lock && lock.error().code() == ErrorCode::kBusy) return std::nullopt;
  if (!lock) return std::unexpected(std::move(lock).error());
  const Result<void> renamed = sys::rename_durably(layout_.staged(id), layout_.removed(id));
  REPRISE_PASS(sys::remove_tree(layout_.writer_lock(id)));
  if (renamed) return layout_.removed(id);
  // Sealed or dropped since we listed it, or it died before it had a directory.
  if (renamed.error().error_number() == ENOENT) return std::nullopt;
  return std::unexpected(renamed.error());
}

Result<int> DirectoryStore::sweep() {
  std::vector<path> to_remove;
  int swept = 0;
  {
    const sys::FileLock creation = REPRISE_TRY(
        sys::FileLock::lock(layout_.creation_lock(), kSweepTimeout), "sweeping the store");
    std::set<std::string> ids;  // a directory and its lock file name the same writer
    for (const std::string& name : REPRISE_PASS(names_in(layout_.staging()))) {
      if (name.starts_with(StoreLayout::kRemovedPrefix)) {
        to_remove.push_back(layout_.staging() / name);
      } else if (base::parse_id(name)) {
        ids.insert(name.ends_with(StoreLayout::kLockSuffix)
                       ? name.substr(0, name.rfind(StoreLayout::kLockSuffix))
                       : name);
      }
    }
    for (const std::string& id : ids) {
      const auto removed = REPRISE_TRY(take_over(CheckpointId(id)), "sweeping the store");
      if (!removed) continue;
      to_remove.push_back(*removed);
      ++swept;
    }
  }
  // Without the lock: writers need not wait for the disk.
  for (const path& directory : to_remove)
    REPRISE_TRY(sys::remove_tree(directory), "sweeping the store");
  return swept;
}

}  // namespace

Result<std::unique_ptr<CheckpointStore>> open_directory_store(path root) {
  StoreLayout layout{std::move(root)};
  for (const path& directory : {layout.staging(), layout.checkpoints()})
    REPRISE_TRY(sys::make_directories(directory),
                "opening the store '" + layout.root.string() + "'");
  return std::make_unique<DirectoryStore>(std::move(layout));
}

}  // namespace reprise::store
