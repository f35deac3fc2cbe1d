// SPDX-License-Identifier: Apache-2.0
#include "operations/transfer/upload.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/fault.h"
#include "catalog/catalog.h"
#include "operations/transfer/background_upload.h"
#include "operations/transfer/remotes.h"
#include "operations/transfer/transfer.h"
#include "operations/transfer/upload_failures.h"
#include "store/open_catalog.h"

namespace reprise::operations {

using base::ErrorCode;
using base::Result;

namespace {

struct Upload {
  const Node& node;
  const Uploaded& uploaded;
  Progress& progress;
};

// All that lacks its copy at one remote. The first error ends it: the next one would be the same.
Result<int> upload_to(const Upload& upload, const std::string& name) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(upload.node.store));
  const auto ids = REPRISE_PASS(catalog.lacking_copies(name));
  if (ids.empty()) return 0;
  const OpenRemote remote = REPRISE_PASS(open_named(upload.node, name));
  Result<void> failed;
  int uploaded = 0;
  for (const base::CheckpointId& id : ids) {
    const auto row = catalog.find_checkpoint(id.str());
    if (!row) continue;  // removed since
    upload.progress.begin("uploading '" + id.str() + "'");
    const auto pushed = push_to(upload.node, catalog, *row, remote, upload.progress);
    upload.progress.end();
    REPRISE_PASS(base::fault_point("upload-one"));
    if (pushed) {
      upload.uploaded(id, name);
      ++uploaded;
      continue;
    }
    // One that is damaged or gone keeps no other from being uploaded.
    const ErrorCode code = pushed.error().code();
    if (failed) failed = std::unexpected(pushed.error());
    if (code != ErrorCode::kCorrupt && code != ErrorCode::kNotFound) break;
  }
  REPRISE_PASS(failed);
  return uploaded;
}

// For those who ask later. A store that takes no note is told of by whatever is written there next.
void note_outcome(const Upload& upload, const std::string& remote, const Result<int>& uploaded) {
  const host::Layout& layout = upload.node.layout;
  const auto noted = uploaded ? forget_upload_failure(layout, remote)
                              : note_upload_failure(layout, remote, uploaded.error());
  if (!noted) upload.progress.warn("not noted in the store: " + noted.error().message(), "");
}

Result<int> upload_all(const Upload& upload, const std::vector<std::string>& remotes) {
  Result<void> failed;
  int uploaded = 0;
  for (const std::string& remote : remotes) {
    const auto count = upload_to(upload, remote);
    note_outcome(upload, remote, count);
    if (count) uploaded += *count;
    if (!count && failed) failed = std::unexpected(count.error());
  }
  REPRISE_PASS(failed);
  return uploaded;
}

// Whoever finds the lock taken leaves its checkpoint to us: so look again once it is free.
Result<void> upload_under_lock(const Upload& upload, const std::vector<std::string>& remotes) {
  for (;;) {
    int uploaded = 0;
    {
      const auto lock = lock_uploads(upload.node.layout);
      if (!lock && lock.error().code() == ErrorCode::kBusy) return {};
      if (!lock) return std::unexpected(lock.error());
      uploaded = REPRISE_PASS(upload_all(upload, remotes));
    }
    if (uploaded == 0) return {};
  }
}

}  // namespace

Result<void> upload_missing(const Node& node, UploadPatience patience, const Uploaded& uploaded,
                            Progress& progress) {
  constexpr std::chrono::seconds kFirst{5};
  constexpr std::chrono::seconds kLongest{300};
  constexpr int kAttempts = 24;  // for more than an hour; then the next session or command
  const auto remotes = node.config.upload_remotes();
  const Upload upload{.node = node, .uploaded = uploaded, .progress = progress};
  std::chrono::seconds pause = kFirst;
  for (int attempt = 1;; ++attempt) {
    Result<void> done = upload_under_lock(upload, remotes);
    if (done) return {};
    const bool passes =
        done.error().code() == ErrorCode::kBusy || done.error().code() == ErrorCode::kIo;
    if (patience == UploadPatience::kNone || !passes || attempt == kAttempts)
      return std::unexpected(std::move(done).error().with_step("cannot upload"));
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongest);
  }
}

}  // namespace reprise::operations
