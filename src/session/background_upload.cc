// SPDX-License-Identifier: Apache-2.0
#include "session/background_upload.h"

#include <unistd.h>

#include "store/catalog.h"
#include "sys/child.h"
#include "sys/files.h"

namespace reprise::session {

using base::ErrorCode;
using base::Result;

namespace {

// Beside a worker in libexec/reprise, or beside whoever else calls.
Result<std::filesystem::path> find_reprise() {
  const std::filesystem::path here = REPRISE_PASS(sys::executable_directory());
  for (const auto& candidate : {here / "reprise", here.parent_path().parent_path() / "bin/reprise"})
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  return base::fail(ErrorCode::kNotFound, "'reprise' is not where it was installed");
}

Result<bool> is_anything_lacking(const container::Layout& layout,
                                 const std::vector<std::string>& remotes) {
  if (remotes.empty()) return false;
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(layout.store));
  for (const std::string& remote : remotes)
    if (!REPRISE_PASS(catalog.lacking_copies(remote)).empty()) return true;
  return false;
}

}  // namespace

Result<sys::FileLock> lock_uploads(const container::Layout& layout) {
  return sys::FileLock::try_lock(layout.store / "upload.lock");
}

Result<bool> start_upload(const container::Layout& layout,
                          const std::vector<std::string>& remotes) {
  if (!REPRISE_PASS(is_anything_lacking(layout, remotes))) return false;
  // Free again at once; it takes it itself.
  if (const auto lock = lock_uploads(layout); !lock) {
    if (lock.error().code() == ErrorCode::kBusy) return false;
    return std::unexpected(lock.error());
  }
  const std::filesystem::path program = REPRISE_PASS(find_reprise());
  REPRISE_TRY(sys::Child::spawn({.argv = {program.string(), "store", "upload", "--patient"},
                                 .env = sys::default_environment(),
                                 .new_session = true}),
              "starting the upload")
      .detach();
  return true;
}

}  // namespace reprise::session
