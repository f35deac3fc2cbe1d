// SPDX-License-Identifier: Apache-2.0
#include "store/move_blocks.h"

#include <system_error>

#include "base/fault.h"
#include "sys/files.h"

namespace reprise::store {

using base::fail_errno;
namespace fs = std::filesystem;

// --- publishing

Result<void> publish_packs(const StoreLayout& layout, const path& new_packs,
                           const std::vector<std::string>& ids) {
  for (const std::string& pack : ids) {
    const path to = pages::pack_file(layout.packs(), pack);
    std::error_code error;
    fs::rename(pages::pack_file(new_packs, pack), to, error);
    if (error) return fail_errno(error.value(), "moving '" + to.string() + "' into place");
  }
  if (ids.empty()) return {};
  return sys::sync_path(layout.packs());
}

namespace {

Result<void> publish_file(const path& staged, const path& sealed) {
  Result<void> renamed = sys::rename_durably(staged, sealed);
  if (renamed) renamed = base::fault_point("seal-renamed");
  if (renamed) return {};
  // The rename itself may have happened, and only its fsync failed: take it back, so that an error
  // always means that nothing is visible. If that fails too, both failures are told.
  std::error_code unreadable;
  if (fs::exists(staged, unreadable)) return renamed;
  if (Result<void> back = sys::rename_durably(sealed, staged); !back)
    return std::unexpected(std::move(renamed).error().with_suppressed(std::move(back).error()));
  return renamed;
}

}  // namespace

Result<void> publish_checkpoint(const StoreLayout& layout, const Publication& publication) {
  const path staged = publication.staged / "checkpoint";
  Result<void> published = publish_packs(layout, publication.new_packs, publication.packs);
  if (published) published = sys::replace_file(staged, publication.text);
  if (published) published = base::fault_point("seal-manifest");
  if (published) published = publish_file(staged, layout.sealed(publication.id));
  if (published) return {};
  // Nothing needs them; what cannot be removed is gc's.
  for (const std::string& pack : publication.packs)
    (void)sys::remove_tree(pages::pack_file(layout.packs(), pack));
  return published;
}

// --- blocks

Result<std::vector<pages::PageId>> authenticate_block(const crypto::TenantKeys& keys,
                                                      const pages::BlockId& id,
                                                      std::span<const std::byte> sealed) {
  return pages::ids_of_block(keys.data, id, sealed);
}

Result<void> index_pack(const OpenStore& store, pages::PageIndex& index, const std::string& pack) {
  constexpr std::size_t kBatch = 256;  // blocks, with 1 MiB of ids
  const pages::PackReader reader =
      REPRISE_PASS(pages::PackReader::open(store.layout.packs(), pack));
  std::vector<pages::IndexedBlock> batch;
  const auto flush = [&]() -> Result<void> {
    REPRISE_PASS(index.add(batch));
    batch.clear();
    return {};
  };
  REPRISE_PASS(reader.scan([&](const pages::BlockPlace& place) -> Result<void> {
    const auto sealed = REPRISE_PASS(reader.read(place));
    auto ids = REPRISE_TRY(authenticate_block(store.keys, place.id, sealed),
                           "reading pack '" + place.pack + "'");
    batch.push_back({.place = place, .ids = std::move(ids)});
    return batch.size() < kBatch ? Result<void>() : flush();
  }));
  return flush();
}

}  // namespace reprise::store
