// SPDX-License-Identifier: Apache-2.0
//
// What gc and compaction of a large store take: time, and memory at its peak. The checkpoints'
// files and the index's blocks are real; packs are holes of the right size, so that a terabyte fits
// on any disk.
//
// usage: gc-bench DIRECTORY [GIGABYTES [GIGABYTES_OF_A_CHECKPOINT]]
//
// Blocks are compressed to one half. Each checkpoint shares half of its blocks with the one before,
// of ten containers, in runs of 8 pages on average. Of the index's pages there is one per block
// instead of 256: SQLite's memory does not depend on it, but its time when packs are removed does.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "pages/page_index.h"
#include "store/open_store.h"
#include "store/waste.h"

namespace {

namespace fs = std::filesystem;
using namespace reprise::store;  // NOLINT(google-build-using-namespace): as its tests
using namespace reprise::pages;  // NOLINT(google-build-using-namespace)
using reprise::base::CheckpointId;
using reprise::catalog::Catalog;

constexpr std::uint64_t kGiga = 1'000'000'000;
constexpr std::uint32_t kSealed = kBlockPages * kPageBytes / 2;
constexpr std::size_t kContainers = 10;
constexpr std::uint32_t kLongestRun = 15;
constexpr std::chrono::seconds kPatience{60};

template <typename T>
T value(reprise::base::Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "gc-bench: %s\n", result.error().details().c_str());
    std::_Exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

CheckpointId id_of(std::size_t number) {
  return CheckpointId::parse("checkpoint" + std::to_string(100'000 + number)).value();
}

// Makes the store's files.
class Maker {
 public:
  Maker(const OpenStore& store, std::uint64_t checkpoint_bytes)
      : store_(store),
        blocks_(std::max<std::uint64_t>(2, checkpoint_bytes / kPageBytes / kBlockPages)),
        index_(value(PageIndex::open(store.layout.root, store.keys.pages))),
        before_(kContainers) {}

  // Returns the bytes of its new packs.
  std::uint64_t make(std::size_t number) {
    std::vector<BlockPlace>& before = before_[number % kContainers];
    std::vector<BlockPlace> blocks = new_blocks(before.empty() ? blocks_ : blocks_ / 2);
    const std::uint64_t bytes = stored_bytes_of(blocks);
    std::ranges::shuffle(before, random_);
    before.resize(std::min(before.size(), blocks_ - blocks.size()));
    blocks.insert(blocks.end(), before.begin(), before.end());
    before = blocks;
    seal(id_of(number), std::move(blocks));
    return bytes;
  }

 private:
  std::vector<BlockPlace> new_blocks(std::uint64_t count) {
    std::vector<BlockPlace> places;
    std::vector<IndexedBlock> indexed;
    std::string pack;
    std::uint64_t offset = kPackLimit;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (offset + kRecordBytes + kSealed > kPackLimit) {
        close_pack(pack, offset);
        pack = reprise::base::random_id();
        offset = 96;  // of the header
      }
      places.push_back({.pack = pack, .id = random_block_id(), .offset = offset, .bytes = kSealed});
      indexed.push_back({.place = places.back(), .ids = {random_block_id()}});
      offset += stored_bytes_of(places.back());
    }
    close_pack(pack, offset);
    value(index_.add(indexed));
    return places;
  }

  void close_pack(const std::string& pack, std::uint64_t bytes) const {
    if (pack.empty()) return;
    const path file = pack_file(store_.layout.packs(), pack);
    const reprise::sys::UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) std::_Exit(1);
  }

  void seal(const CheckpointId& id, std::vector<BlockPlace> blocks) {
    // The second half of the blocks is the one that is shared: pages of both take turns.
    StoredFile file{.name = "pages-1.img", .runs = {}};
    const auto half = static_cast<std::uint32_t>(blocks.size() / 2);
    for (std::uint32_t block = 0; block < half; ++block)
      for (std::uint32_t page = 0; page < kBlockPages;) {
        const std::uint32_t pages = std::min<std::uint32_t>(
            1 + std::uint32_t(random_() % kLongestRun), std::uint32_t(kBlockPages) - page);
        file.runs.push_back({.block = block, .first = page, .pages = pages});
        file.runs.push_back({.block = half + block, .first = page, .pages = pages});
        page += pages;
      }
    reprise::image::Manifest manifest{.id = id,
                                      .key = reprise::base::ContainerKey("bench"),
                                      .name = "bench",
                                      .created = 7,
                                      .kernel = "6.18"};
    manifest.files = {
        {.name = file.name, .bytes = std::uint64_t{2} * half * kBlockPages * kPageBytes}};
    const Contents contents{
        .manifest = std::move(manifest), .blocks = std::move(blocks), .files = {std::move(file)}};
    const std::string text = value(seal_contents(store_.keys, contents));
    value(reprise::sys::replace_file(store_.layout.sealed(id), text));
  }

  const OpenStore& store_;
  std::uint64_t blocks_;
  PageIndex index_;
  std::vector<std::vector<BlockPlace>> before_;  // of each container's last checkpoint
  std::mt19937_64 random_{20261128};             // NOLINT: the same in every run
};

// In a process of its own, whose peak is its own then.
void measure(const char* what, const std::function<void()>& work) {
  std::fflush(stdout);
  const auto begin = std::chrono::steady_clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    work();
    std::fflush(stdout);
    std::_Exit(0);
  }
  int status = 0;
  rusage use{};
  ::wait4(pid, &status, 0, &use);
  if (status != 0) std::exit(1);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("  %-44s %8.1f s %6ld MB\n", what, seconds, use.ru_maxrss * 1024 / 1'000'000);
}

void make_store(const path& root, std::uint64_t bytes, std::uint64_t checkpoint_bytes) {
  const auto store = value(open_parts(StoreConfig::at(root)));
  Maker maker(*store, checkpoint_bytes);
  std::uint64_t made = 0;
  std::size_t number = 0;
  while (made < bytes) made += maker.make(number++);
  std::uint64_t files = 0;
  for (const auto& entry : fs::directory_iterator(store->layout.checkpoints()))
    files += entry.file_size();
  std::printf("%.0f GB in %zu packs; %zu checkpoints, whose files take %.0f MB\n",
              double(made) / double(kGiga), value(pack_ids(store->layout.packs())).size(), number,
              double(files) / 1e6);
}

// Leaves of every four checkpoints one.
void thin_out(const path& root) {
  const auto store = value(open_store(StoreConfig::at(root)));
  std::size_t number = 0;
  for (const CheckpointId& id : value(store->list()))
    if (number++ / kContainers % 4 != 3) value(store->remove(id));
}

void run(const path& root) {
  const auto collect = [&] {
    const Collected collected = value(value(open_store(StoreConfig::at(root)))->collect(kPatience));
    if (collected.packs > 0)
      std::printf("  (%zu packs freed)\n", static_cast<std::size_t>(collected.packs));
  };
  measure("gc: reads each checkpoint's file", collect);
  measure("gc again: as after a session", collect);
  measure("whether compaction is worth it", [&] {
    Store store = value(reprise::store::open(StoreConfig::at(root)));
    value(find_waste(store));
  });
  measure("three of four checkpoints removed", [&] { thin_out(root); });
  measure("gc", collect);
  measure("compaction, up to what it would move", [&] {
    // Holes are no blocks.
    const Compacted compacted = value(value(open_store(StoreConfig::at(root)))->compact(kPatience));
    std::printf("  (%zu packs are sparse)\n", compacted.damaged.size());
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: gc-bench DIRECTORY [GIGABYTES [GIGABYTES_OF_A_CHECKPOINT]]\n", stderr);
    return 2;
  }
  const path root = path(argv[1]) / "gc-bench";
  const std::uint64_t bytes = argc > 2 ? std::stoull(argv[2]) * kGiga : 1000 * kGiga;
  const std::uint64_t checkpoint = argc > 3 ? std::stoull(argv[3]) * kGiga : 20 * kGiga;
  measure("made", [&] { make_store(root, bytes, checkpoint); });
  measure("a process that opens the store", [&] { value(open_store(StoreConfig::at(root))); });
  run(root);
  fs::remove_all(root);
}
