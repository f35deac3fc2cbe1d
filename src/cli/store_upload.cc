// SPDX-License-Identifier: Apache-2.0
//
// Uploads one after the other, oldest first, until nothing is left. Started by hand, and by
// sessions and commands with --patient.
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "base/fault.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/transfer.h"
#include "session/background_upload.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

using base::ErrorCode;

enum class Patience : unsigned char { kNone, kSome };

// All that lacks its copy at one remote. The first error ends it: the next one would be the same.
Result<int> upload_to(Context& context, const std::string& name) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(context.node.store));
  const auto ids = REPRISE_PASS(catalog.lacking_copies(name));
  if (ids.empty()) return 0;
  const OpenRemote remote = REPRISE_PASS(open_named(context, name));
  Result<void> failed;
  int uploaded = 0;
  for (const base::CheckpointId& id : ids) {
    const auto row = catalog.find_checkpoint(id.str());
    if (!row) continue;  // removed since
    context.progress.begin("uploading '" + id.str() + "'");
    const auto pushed = push(context, catalog, *row, remote, line_of_bytes(context.progress));
    context.progress.end();
    REPRISE_PASS(base::fault_point("upload-one"));
    if (pushed) {
      context.io.out << id.str() << ": at '" << name << "'\n";
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

Result<int> upload_all(Context& context, const std::vector<std::string>& remotes) {
  Result<void> failed;
  int uploaded = 0;
  for (const std::string& remote : remotes) {
    const auto count = upload_to(context, remote);
    if (count) uploaded += *count;
    if (!count && failed) failed = std::unexpected(count.error());
  }
  REPRISE_PASS(failed);
  return uploaded;
}

// Whoever finds the lock taken leaves its checkpoint to us: so look again once it is free.
Result<void> upload_under_lock(Context& context, const std::vector<std::string>& remotes) {
  for (;;) {
    int uploaded = 0;
    {
      const auto lock = session::lock_uploads(context.node.layout);
      if (!lock && lock.error().code() == ErrorCode::kBusy) return {};
      if (!lock) return std::unexpected(lock.error());
      uploaded = REPRISE_PASS(upload_all(context, remotes));
    }
    if (uploaded == 0) return {};
  }
}

Result<int> run(Patience patience, Context& context) {
  constexpr std::chrono::seconds kFirst{5};
  constexpr std::chrono::seconds kLongest{300};
  constexpr int kAttempts = 24;  // for more than an hour; then the next session or command
  const config::Config config = REPRISE_PASS(context.config);
  const auto remotes = config.upload_remotes();
  std::chrono::seconds pause = kFirst;
  for (int attempt = 1;; ++attempt) {
    Result<void> done = upload_under_lock(context, remotes);
    if (done) return kDone;
    const bool passes =
        done.error().code() == ErrorCode::kBusy || done.error().code() == ErrorCode::kIo;
    if (patience == Patience::kNone || !passes || attempt == kAttempts)
      return std::unexpected(std::move(done).error().with_step("cannot upload"));
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongest);
  }
}

Runner configure(Arguments& arguments) {
  auto patient = std::make_shared<bool>(false);
  arguments.add_flag("--patient", *patient, "when a remote does not answer, try again for an hour");
  return [patient](Context& context) {
    return run(*patient ? Patience::kSome : Patience::kNone, context);
  };
}

}  // namespace

constinit const Command kStoreUpload = {
    .path = "store upload",
    .summary = "Upload what the remotes with 'upload = true' lack",
    .details =
        R"(Sessions and commands start this on their own, in the background. If another one uploads already,
there is nothing to do.

Example:
  reprise store upload)",
    .configure = configure,
};

}  // namespace reprise::cli
