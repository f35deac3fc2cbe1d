// SPDX-License-Identifier: Apache-2.0
//
// Puts files together again from their pages.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "store/internal/contents.h"
#include "store/internal/workers.h"

namespace reprise::store {

// Opens all packs of a checkpoint at once: they may be removed from the store afterwards, and are
// read all the same.
class PageReader {
 public:
  // kCorrupt if a pack is missing, or shorter than it must be.
  static Result<std::unique_ptr<PageReader>> open(const crypto::TenantKeys& keys,
                                                  const std::filesystem::path& packs,
                                                  const Contents& contents);

  // Writes file number `file` into `fd`, which is empty; pages of zeros become holes. kCorrupt
  // names the damaged pack. Blocks on the disk, but makes nothing durable.
  Result<void> write_file(std::size_t file, int fd);
  // Reads every block of the checkpoint, and proves that each is what was stored.
  Result<void> check_all();
  // One block, from memory if it was needed just now.
  Result<std::shared_ptr<const Block>> block(std::uint32_t number);

 private:
  PageReader(const crypto::TenantKeys& keys, const Contents& contents)
      : keys_(keys), contents_(contents) {}
  Result<void> open_packs(const std::filesystem::path& directory);
  Result<std::shared_ptr<const Block>> load(std::uint32_t number) const;
  Result<void> write_runs(std::span<const PageRun> runs, std::uint64_t offset, std::uint64_t end,
                          int fd);
  Result<void> write_run(const PageRun& run, std::uint64_t offset, std::uint64_t end, int fd);

  const crypto::TenantKeys& keys_;
  const Contents& contents_;
  std::map<std::string, PackReader> packs_;

  // The blocks used last, newest first.
  using Kept = std::pair<std::uint32_t, std::shared_ptr<const Block>>;
  std::mutex mutex_;
  std::list<Kept> kept_;
  std::unordered_map<std::uint32_t, std::list<Kept>::iterator> where_;
  Workers workers_;  // last: its threads end before what they use
};

}  // namespace reprise::store
