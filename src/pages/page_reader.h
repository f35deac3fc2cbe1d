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

#include "pages/contents.h"
#include "sys/workers.h"

namespace reprise::pages {

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
  // Fills `out` with the bytes of file number `file` from `offset` on. kInvalidInput beyond its
  // end.
  Result<void> read(std::size_t file, std::uint64_t offset, std::span<std::byte> out);
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
  struct RunPages {
    std::shared_ptr<const Block> owner;
    std::span<const std::byte> pages;
  };
  Result<RunPages> pages_of_run(const PageRun& run);
  Result<void> read_run(const PageRun& run, std::uint64_t from, std::span<std::byte> out);
  const std::vector<std::uint64_t>& starts_of(std::size_t file);

  const crypto::TenantKeys& keys_;
  const Contents& contents_;
  std::map<std::string, PackReader> packs_;
  std::map<std::size_t, std::vector<std::uint64_t>> starts_;  // of files that read() was asked for

  // The blocks used last, newest first.
  using Kept = std::pair<std::uint32_t, std::shared_ptr<const Block>>;
  std::mutex mutex_;
  std::list<Kept> kept_;
  std::unordered_map<std::uint32_t, std::list<Kept>::iterator> where_;
  sys::Workers workers_;  // last: its threads end before what they use
};

}  // namespace reprise::pages
