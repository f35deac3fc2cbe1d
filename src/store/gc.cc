// SPDX-License-Identifier: Apache-2.0
//
// Mark and sweep in two steps, while sessions run.
//
// A writer that finds a page in a pack refers to it; what it refers to is known only when its
// checkpoint is sealed. So a pack that nothing needs is first *condemned*: from then on no writer
// finds pages in it. Those that may have found some before are the writers that live at that
// moment; once they have ended, it is looked whether any of them needs the pack after all (then it
// is pardoned), and if not, it is removed.
//
// Packs lie in packs/ before the file of their checkpoint is there. Their writer lives then, and
// the rule above covers them.
#include <algorithm>
#include <chrono>
#include <set>
#include <system_error>
#include <thread>

#include "base/fault.h"
#include "pages/page_index.h"
#include "store/internal/needs.h"
#include "store/open_store.h"
#include "store/staging_place.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::store {

using base::CheckpointId;
using base::ErrorCode;
namespace fs = std::filesystem;

namespace {

// Most sessions end sooner; what they keep waits for the next gc.
constexpr std::chrono::seconds kWriters{3};
constexpr std::chrono::milliseconds kPoll{20};

using Names = std::vector<std::string>;

class Collection {
 public:
  Collection(const OpenStore& store, pages::PageIndex index)
      : store_(store), index_(std::move(index)) {}
  // `patience`: for writers that must end first.
  Result<Collected> run(std::chrono::milliseconds patience);

 private:
  Result<std::set<std::string>> needed();
  Result<bool> have_ended(const std::vector<CheckpointId>& writers) const;
  Result<void> pardon(const std::set<std::string>& needed, Names condemned);
  Result<Collected> remove(const Names& packs);

  const OpenStore& store_;
  pages::PageIndex index_;
};

// What any sealed checkpoint refers to.
Result<std::set<std::string>> Collection::needed() {
  std::set<std::string> packs;
  for (const CheckpointNeeds& checkpoint : REPRISE_PASS(needs_of_all(store_, index_)))
    for (const pages::PackNeed& need : checkpoint.packs) packs.insert(need.pack);
  return packs;
}

Result<bool> Collection::have_ended(const std::vector<CheckpointId>& writers) const {
  const auto alive = REPRISE_PASS(living(store_.layout));
  return std::ranges::none_of(
      writers, [&](const CheckpointId& id) { return std::ranges::find(alive, id) != alive.end(); });
}

Result<Collected> Collection::run(std::chrono::milliseconds patience) {
  const auto before = REPRISE_PASS(needed());
  // Those that an earlier gc left waiting, and that somebody who waited needs.
  REPRISE_PASS(pardon(before, REPRISE_PASS(index_.condemned())));
  Names useless;
  for (const std::string& pack : REPRISE_PASS(pages::pack_ids(store_.layout.packs())))
    if (!before.contains(pack)) useless.push_back(pack);
  if (useless.empty()) return Collected{};
  REPRISE_PASS(index_.condemn(useless));
  REPRISE_PASS(base::fault_point("gc-condemned"));
  const auto writers = REPRISE_PASS(living(store_.layout));
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!REPRISE_PASS(have_ended(writers))) {
    if (std::chrono::steady_clock::now() >= deadline) return Collected{.waiting = useless.size()};
    std::this_thread::sleep_for(kPoll);
  }
  const auto after = REPRISE_PASS(needed());
  REPRISE_PASS(pardon(after, useless));
  std::erase_if(useless, [&](const std::string& pack) { return after.contains(pack); });
  return remove(useless);
}

Result<void> Collection::pardon(const std::set<std::string>& needed, Names condemned) {
  std::erase_if(condemned, [&](const std::string& pack) { return !needed.contains(pack); });
  if (condemned.empty()) return {};
  return index_.pardon(condemned);
}

Result<Collected> Collection::remove(const Names& packs) {
  // Only what is still condemned: an index that was made anew meanwhile knows nothing of it.
  const Names forgotten = REPRISE_PASS(index_.forget(packs));
  REPRISE_PASS(base::fault_point("gc-forgotten"));
  Collected collected;
  for (const std::string& pack : forgotten) {
    const path file = pages::pack_file(store_.layout.packs(), pack);
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(file, error);
    REPRISE_PASS(sys::remove_tree(file));
    ++collected.packs;
    collected.bytes += error ? 0 : bytes;
    REPRISE_PASS(base::fault_point("gc-removed"));
  }
  return collected;
}

}  // namespace

Result<Collected> collect_garbage(const OpenStore& store, std::chrono::milliseconds patience) {
  const sys::FileLock lock = REPRISE_TRY(sys::FileLock::lock(store.layout.gc_lock(), patience),
                                         "collecting garbage: another gc is running");
  Collection collection(store,
                        REPRISE_PASS(pages::PageIndex::open(store.layout.root, store.keys.pages)));
  return REPRISE_TRY(collection.run(std::min<std::chrono::milliseconds>(patience, kWriters)),
                     "collecting garbage");
}

}  // namespace reprise::store
