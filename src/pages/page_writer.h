// SPDX-License-Identifier: Apache-2.0
//
// Takes files apart into pages, drops zeros, finds those that are stored, packs the others. Files
// come whole, or as memory that becomes one.
//
// Memory is bounded whatever the size of the files: some 100 MB with four threads.
#pragma once

#include <deque>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "crypto/keys.h"
#include "image/manifest.h"
#include "pages/contents.h"
#include "pages/new_packs.h"
#include "pages/page_index.h"
#include "pages/segment.h"
#include "sys/workers.h"

namespace reprise::pages {

class PageWriter {
 public:
  // New packs go into `directory`. Keys and index must outlive it.
  PageWriter(const crypto::TenantKeys& keys, PageIndex& index, std::filesystem::path directory,
             Effort effort);
  ~PageWriter();
  PageWriter(const PageWriter&) = delete;
  PageWriter& operator=(const PageWriter&) = delete;
  PageWriter(PageWriter&&) = delete;
  PageWriter& operator=(PageWriter&&) = delete;

  // Takes the whole file. It must stay as it is until finish(): pages are read when they are told
  // apart, and again when they are stored. Its name may be removed. After an error the writer is
  // unusable.
  Result<void> add_file(const std::string& name, int fd);
  // A file that comes as memory: as many stretches as you like between begin and end, of whole
  // pages all but the last.
  void begin_file(const std::string& name);
  Result<void> add(Stretch stretch);
  Result<void> end_file();
  // As if no file had been added yet, or begun. Pages that are stored already are found again.
  void forget_files();
  // From the next block on: whether somebody waits for it, whatever was said at the beginning.
  void hurry(bool on) { hurries_ = on; }

  // Writes what is still in memory and makes all packs durable. Blocks on the disk.
  Result<void> finish();

  // After finish(): what to put into the manifest and the contents (files in the order of their
  // addition), and the new packs' ids.
  [[nodiscard]] const std::vector<image::ManifestFile>& manifest_files() const { return files_; }
  [[nodiscard]] const std::vector<StoredFile>& stored_files() const { return stored_; }
  [[nodiscard]] const std::vector<BlockPlace>& blocks() const { return blocks_; }
  [[nodiscard]] const std::vector<std::string>& new_packs() const { return packs_.ids(); }
  // Tells the index of the new blocks. May be called when nothing waits for it any more: a page of
  // which the index does not know is stored once more some day, nothing else.
  Result<void> tell_index();

 private:
  struct Recent;

  Result<void> add_stretches_of(int fd, std::uint64_t bytes);
  Result<void> push(std::future<Result<SharedSegment>> segment);
  Result<void> take_oldest();
  Result<void> take(const SharedSegment& segment);
  Result<void> take_page(const SharedSegment& segment, std::size_t page,
                         const std::optional<PagePlace>& indexed, bool sparse);
  void add_run(std::uint32_t block, std::uint32_t first);
  std::uint32_t number_of(std::int64_t indexed);
  Result<void> add_new(const SharedSegment& segment, std::size_t page, bool sparse);
  [[nodiscard]] Effort effort_now() const;
  Result<void> close_block();
  Result<void> write_oldest_block();
  Result<void> write_ids(std::span<const PageId> ids);

  const crypto::TenantKeys& keys_;
  PageIndex& index_;
  std::filesystem::path directory_;
  Effort effort_;
  bool hurries_ = false;

  std::vector<image::ManifestFile> files_;
  std::vector<StoredFile> stored_;
  std::vector<BlockPlace> blocks_;

  image::ManifestFile open_file_;                           // being added; bytes: taken so far
  std::deque<std::future<Result<SharedSegment>>> reading_;  // of it, in order

  struct Sealed {
    std::uint32_t number;  // in blocks_
    base::RawBytes block;
    std::vector<PageId> ids;
  };
  // Pages on their way into a block, and what keeps them where they are.
  struct Pending {
    std::vector<PageId> ids;
    std::vector<const std::byte*> pages;
    std::vector<std::shared_ptr<const void>> owners;
  };
  Pending open_block_;                                     // being filled
  std::uint32_t open_number_ = 0;                          // its number in blocks_
  std::deque<std::future<Result<Sealed>>> sealing_;        // in order
  std::unordered_map<std::int64_t, std::uint32_t> known_;  // index's block to ours
  std::unique_ptr<Recent> recent_;
  NewPacks packs_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> new_blocks_;  // number, pages
  sys::UniqueFd new_ids_;  // the new pages' ids in order: a file without a name
  sys::Workers workers_;   // last: its threads end before what they use
};

}  // namespace reprise::pages
