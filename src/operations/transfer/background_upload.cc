// SPDX-License-Identifier: Apache-2.0
#include "operations/transfer/background_upload.h"

#include "catalog/catalog.h"
#include "host/layout.h"
#include "operations/background_process.h"
#include "store/open_catalog.h"

namespace reprise::operations {

using base::ErrorCode;
using base::Result;

namespace {

Result<bool> is_anything_lacking(const host::Layout& layout, const store::StoreConfig& config,
                                 const std::vector<std::string>& remotes) {
  if (remotes.empty() || !REPRISE_PASS(catalog::Catalog::exists(layout.store))) return false;
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(config));
  for (const std::string& remote : remotes)
    if (!REPRISE_PASS(catalog.lacking_copies(remote)).empty()) return true;
  return false;
}

}  // namespace

Result<sys::FileLock> lock_uploads(const host::Layout& layout) {
  return sys::FileLock::try_lock(layout.store / "upload.lock");
}

Result<bool> start_upload(const host::Layout& layout, const store::StoreConfig& config,
                          const std::vector<std::string>& remotes) {
  if (!REPRISE_PASS(is_anything_lacking(layout, config, remotes))) return false;
  // Free again at once; it takes it itself.
  if (const auto lock = lock_uploads(layout); !lock) {
    if (lock.error().code() == ErrorCode::kBusy) return false;
    return std::unexpected(lock.error());
  }
  REPRISE_TRY(start_in_background({"store", "upload", "--patient"}), "starting the upload");
  return true;
}

}  // namespace reprise::operations
