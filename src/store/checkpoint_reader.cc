// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <algorithm>
#include <optional>

#include "pages/page_reader.h"
#include "store/open_store.h"
#include "store/staging_place.h"
#include "sys/files.h"

namespace reprise::store {

using base::CheckpointId;
using base::ErrorCode;
using base::fail;

namespace {

constexpr std::string_view kImages = "criu/";
constexpr std::string_view kParts = "parts/";

std::unexpected<base::Error> has_no_file(const image::Manifest& manifest, std::string_view name) {
  return fail(ErrorCode::kNotFound,
              "checkpoint '" + manifest.id.str() + "' has no file '" + std::string(name) + "'");
}

class Reader final : public CheckpointReader, public image::PageSource {
 public:
  Reader(std::shared_ptr<const OpenStore> store, pages::Contents contents)
      : store_(std::move(store)), contents_(std::move(contents)) {}

  Result<void> open_packs() {
    pages_ = REPRISE_PASS(pages::PageReader::open(store_->keys, store_->layout.packs(), contents_));
    return {};
  }

  [[nodiscard]] const image::Manifest& manifest() const override { return contents_.manifest; }
  image::PageSource& pages() override { return *this; }
  using image::PageSource::materialize;
  Result<path> materialize(const Wanted& wanted) override;
  Result<void> read(std::string_view name, std::uint64_t offset, std::span<std::byte> out) override;
  Result<std::optional<path>> find_part(std::string_view name) override;

 private:
  Result<void> put_together(std::size_t file, const path& to);
  std::optional<std::size_t> number_of(const std::string& name) const;

  std::shared_ptr<const OpenStore> store_;
  pages::Contents contents_;
  std::unique_ptr<pages::PageReader> pages_;
  std::optional<StagingPlace> images_;
  std::optional<StagingPlace> parts_;
};

Result<void> Reader::put_together(std::size_t file, const path& to) {
  const sys::UniqueFd fd =
      REPRISE_PASS(sys::open_file(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
  Result<void> written = pages_->write_file(file, fd.get());
  if (written) return {};
  (void)sys::remove_tree(to);  // or it would be taken for whole the next time
  return std::unexpected(std::move(written).error().with_step("reading checkpoint '" +
                                                              contents_.manifest.id.str() + "'"));
}

Result<path> Reader::materialize(const Wanted& wanted) {
  const auto is_wanted = [&](std::string_view name) {
    return name.starts_with(kImages) && wanted(name.substr(kImages.size()));
  };
  std::uint64_t bytes = 0;
  for (const image::ManifestFile& file : contents_.manifest.files)
    if (is_wanted(file.name)) bytes += file.bytes;
  if (!images_) images_.emplace(REPRISE_PASS(StagingPlace::make(store_->layout, bytes)));
  for (std::size_t i = 0; i < contents_.files.size(); ++i) {
    const std::string& name = contents_.files[i].name;
    if (!is_wanted(name)) continue;
    const path to = images_->spool() / name.substr(kImages.size());
    std::error_code error;
    if (!std::filesystem::exists(to, error)) REPRISE_PASS(put_together(i, to));
  }
  return images_->spool();
}

Result<void> Reader::read(std::string_view name, std::uint64_t offset, std::span<std::byte> out) {
  const std::string wanted = std::string(kImages) + std::string(name);
  const auto file = number_of(wanted);
  if (!file) return has_no_file(manifest(), wanted);
  REPRISE_TRY(pages_->read(*file, offset, out),
              "reading checkpoint '" + contents_.manifest.id.str() + "'");
  return {};
}

std::optional<std::size_t> Reader::number_of(const std::string& name) const {
  const auto found = std::ranges::find(contents_.files, name, &pages::StoredFile::name);
  if (found == contents_.files.end()) return std::nullopt;
  return static_cast<std::size_t>(found - contents_.files.begin());
}

Result<std::optional<path>> Reader::find_part(std::string_view name) {
  const auto file = number_of(std::string(kParts) + REPRISE_PASS(base::parse_id(name)));
  if (!file) return std::nullopt;
  if (!parts_) {
    std::uint64_t bytes = 0;
    for (const image::ManifestFile& part : contents_.manifest.files)
      if (part.name.starts_with(kParts)) bytes += part.bytes;
    parts_.emplace(REPRISE_PASS(StagingPlace::make(store_->layout, bytes)));
  }
  const path to = parts_->spool() / std::string(name);
  std::error_code error;
  if (!std::filesystem::exists(to, error)) REPRISE_PASS(put_together(*file, to));
  return to;
}

}  // namespace

Result<path> CheckpointReader::part(std::string_view name) {
  if (auto found = REPRISE_PASS(find_part(name))) return *found;
  return has_no_file(manifest(), name);
}

Result<std::unique_ptr<CheckpointReader>> open_checkpoint(std::shared_ptr<const OpenStore> store,
                                                          const CheckpointId& id) {
  pages::Contents contents = REPRISE_PASS(load_contents(*store, id));
  for (;;) {
    const std::vector<pages::BlockPlace> blocks = contents.blocks;
    auto reader = std::make_unique<Reader>(store, std::move(contents));
    Result<void> opened = reader->open_packs();
    if (opened) return reader;
    // A compaction may have moved its blocks after we read where they are.
    contents = REPRISE_PASS(load_contents(*store, id));
    if (contents.blocks == blocks)
      return std::unexpected(
          std::move(opened).error().with_step("opening checkpoint '" + id.str() + "'"));
  }
}

}  // namespace reprise::store
