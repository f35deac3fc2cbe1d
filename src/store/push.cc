// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "base/fault.h"
#include "store/internal/bytes.h"
#include "store/internal/move_blocks.h"
#include "store/internal/notices.h"
#include "store/internal/transfer_names.h"
#include "store/internal/workers.h"
#include "store/transfer.h"
#include "sys/files.h"

namespace reprise::store {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;
using base::fail;
namespace fs = std::filesystem;

namespace {

Result<std::string> sealed_note(const OpenStore& store, const CheckpointId& id,
                                const std::string& note) {
  std::vector<std::byte> sealed;
  REPRISE_PASS(store.keys.manifests.seal(as_bytes(note), as_bytes(note_bound(id)), sealed));
  return std::string(as_text(sealed));
}

struct Upload {
  std::string pack;
  std::uint64_t bytes = 0;
};

class Push {
 public:
  Push(const OpenStore& store, remote::ObjectStore& to, const TransferProgress& progress)
      : store_(store), to_(to), progress_(progress), notice_(to, NoticeKind::kPush) {}
  // kNotFound if a pack was rewritten meanwhile; then the checkpoint's file is another one.
  Result<void> run(const CheckpointId& id, const std::string& note);
  [[nodiscard]] const Pushed& pushed() const { return pushed_; }

 private:
  Result<void> make_safe(const CheckpointId& id, const Contents& contents, const std::string& note);
  Result<void> announce(const CheckpointId& id, const Contents& contents);
  Result<std::vector<Upload>> lacking(const Contents& contents);
  Result<void> upload_all(const std::vector<Upload>& uploads);
  Result<void> upload(const Upload& upload);
  Result<void> check_pack(const std::string& id) const;
  Result<void> report(const std::string& pack, std::uint64_t bytes);
  Result<void> put_key();
  Result<void> put_checkpoint(const CheckpointId& id, const std::string& text);
  Result<void> put_note(const CheckpointId& id, const std::string& note);

  const OpenStore& store_;
  remote::ObjectStore& to_;
  const TransferProgress& progress_;
  PostedNotice notice_;
  Pushed pushed_;
  std::mutex mutex_;                           // of what follows
  std::map<std::string, std::uint64_t> done_;  // pack to bytes
  std::uint64_t all_ = 0;
};

Result<void> Push::run(const CheckpointId& id, const std::string& note) {
  const std::string text = REPRISE_PASS(read_sealed(store_, id));
  const Contents contents = REPRISE_PASS(open_contents(store_.keys, id, text));
  REPRISE_PASS(put_key());
  REPRISE_PASS(make_safe(id, contents, note));
  REPRISE_PASS(put_checkpoint(id, text));
  // One that stood still in between may have come too late for what it had announced.
  if (!notice_.is_fresh()) REPRISE_PASS(make_safe(id, contents, note));
  return base::fault_point("push-sealed");
}

Result<void> Push::put_checkpoint(const CheckpointId& id, const std::string& text) {
  const std::string name = remote_checkpoint(id);
  const auto size = REPRISE_PASS(to_.size(name));
  if (size == text.size()) {
    // The same one, unless its blocks were moved since.
    const Result<std::string> there = to_.get(name, text.size());
    if (there && *there == text) return {};
  }
  return to_.put(name, text);
}

// All that the checkpoint needs is there, and no gc removes it from now on. An upload may take
// longer than what is announced is good for: then it is looked again, and nothing is left to do.
Result<void> Push::make_safe(const CheckpointId& id, const Contents& contents,
                             const std::string& note) {
  do {
    REPRISE_PASS(announce(id, contents));
    REPRISE_PASS(base::fault_point("push-announced"));
    const std::vector<Upload> uploads = REPRISE_PASS(lacking(contents));
    REPRISE_PASS(upload_all(uploads));
    REPRISE_PASS(base::fault_point("push-packs"));
    REPRISE_PASS(put_note(id, note));
  } while (!notice_.is_fresh());
  return {};
}

// Before it is looked what is there (store/internal/notices.h).
Result<void> Push::announce(const CheckpointId& id, const Contents& contents) {
  std::set<std::string> objects{remote_note(id)};
  for (const BlockPlace& place : contents.blocks) objects.insert(remote_pack(place.pack));
  REPRISE_PASS(notice_.post(objects));
  const Notices others = REPRISE_PASS(read_notices(to_, notice_));
  for (const std::string& object : objects)
    if (others.removals.contains(object))
      return std::unexpected(
          Error(ErrorCode::kBusy, "a gc of '" + to_.url() + "' may be about to remove '" + object +
                                      "', which the checkpoint needs")
              .with_hint("try again when it is done; a gc that was killed is passed over at once "
                         "on its own host, and by others after 24 hours"));
  return {};
}

// Another tenant's key must not be replaced: with it would go all of its checkpoints.
Result<void> Push::put_key() {
  const std::string ours =
      REPRISE_PASS(sys::read_file(store_.layout.root / store_.key_name(), kKeyFileLimit));
  const Result<std::string> theirs = to_.get(store_.key_name(), kKeyFileLimit);
  if (!theirs && theirs.error().code() != ErrorCode::kNotFound)
    return std::unexpected(theirs.error());
  if (theirs && *theirs == ours) return {};
  if (theirs && REPRISE_PASS(crypto::secret_id_in(*theirs)) != store_.keys.id)
    return std::unexpected(
        Error(ErrorCode::kDenied, "'" + to_.url() + "' holds checkpoints of another key")
            .with_hint("use another directory, prefix or bucket for this store"));
  return to_.put(store_.key_name(), ours);
}

Result<std::vector<Upload>> Push::lacking(const Contents& contents) {
  std::set<std::string> needed;
  for (const BlockPlace& place : contents.blocks) needed.insert(place.pack);
  std::map<std::string, std::uint64_t> there;
  for (const auto& object : REPRISE_PASS(to_.list(kRemotePacks)))
    there.emplace(object.name, object.bytes);
  std::vector<Upload> uploads;
  for (const std::string& pack : needed) {
    const std::uint64_t bytes = REPRISE_PASS(PackReader::open(store_.layout.packs(), pack)).bytes();
    const auto found = there.find(remote_pack(pack));
    if (found != there.end() && found->second == bytes) continue;
    uploads.push_back({.pack = pack, .bytes = bytes});
    all_ += bytes;
  }
  return uploads;
}

Result<void> Push::upload_all(const std::vector<Upload>& uploads) {
  std::deque<std::future<Result<void>>> jobs;
  Workers workers;  // after what its threads use
  for (const Upload& one : uploads)
    jobs.push_back(workers.run([this, &one] { return upload(one); }));
  Result<void> result;
  for (auto& job : jobs)
    if (Result<void> ended = job.get(); !ended && result) result = std::move(ended);
  return result;
}

Result<void> Push::upload(const Upload& upload) {
  REPRISE_PASS(check_pack(upload.pack));
  REPRISE_TRY(to_.put_file(remote_pack(upload.pack), pack_file(store_.layout.packs(), upload.pack),
                           [&](std::uint64_t done) { return report(upload.pack, done); }),
              "uploading pack '" + upload.pack + "'");
  const std::lock_guard lock(mutex_);
  ++pushed_.packs;
  pushed_.bytes += upload.bytes;
  return base::fault_point("push-pack");
}

// The seal of each block is checked, and nothing decompressed.
Result<void> Push::check_pack(const std::string& id) const {
  const PackReader pack = REPRISE_PASS(PackReader::open(store_.layout.packs(), id));
  std::vector<std::byte> plain;
  return pack.scan([&](const BlockPlace& place) -> Result<void> {
    const auto sealed = REPRISE_PASS(pack.read(place));
    REPRISE_TRY(unseal_block(store_.keys.data, place.id, sealed, plain),
                "reading pack '" + id + "' at byte " + std::to_string(place.offset));
    return {};
  });
}

Result<void> Push::report(const std::string& pack, std::uint64_t bytes) {
  if (!progress_) return {};
  const std::lock_guard lock(mutex_);
  done_[pack] = bytes;
  std::uint64_t done = 0;
  for (const auto& [name, of_pack] : done_) done += of_pack;
  return progress_(done, all_);
}

Result<void> Push::put_note(const CheckpointId& id, const std::string& note) {
  if (note.empty() || REPRISE_PASS(to_.size(remote_note(id)))) return {};
  return to_.put(remote_note(id), REPRISE_PASS(sealed_note(store_, id, note)));
}

}  // namespace

Result<std::string> seal_note(const path& root, const CheckpointId& id, const std::string& note) {
  const auto store = REPRISE_PASS(open_parts(root));
  return sealed_note(*store, id, note);
}

Result<CheckpointId> note_owner(const std::string& name) {
  constexpr std::string_view kNotes = kRemoteNotes;
  if (name.starts_with(kNotes))
    if (auto id = base::parse_id(name.substr(kNotes.size()))) return CheckpointId(std::move(*id));
  return base::fail(ErrorCode::kNotFound, "'" + name + "' is no note");
}

Result<Pushed> push_checkpoint(const path& root, const CheckpointId& id, const std::string& note,
                               remote::ObjectStore& to, const TransferProgress& progress) {
  constexpr int kAttempts = 3;
  const auto store = REPRISE_PASS(open_parts(root));
  const std::string step = "pushing checkpoint '" + id.str() + "' to '" + to.url() + "'";
  for (int attempt = 1;; ++attempt) {
    Push push(*store, to, progress);
    Result<void> done = push.run(id, note);
    if (done) return push.pushed();
    // Compaction may have moved its blocks since we read its file; then that is another one.
    std::error_code error;
    if (done.error().code() != ErrorCode::kNotFound || attempt == kAttempts ||
        !fs::exists(store->layout.sealed(id), error))
      return std::unexpected(std::move(done).error().with_step(step));
  }
}

}  // namespace reprise::store
