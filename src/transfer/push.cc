// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "base/bytes.h"
#include "base/fault.h"
#include "store/move_blocks.h"
#include "store/staging_place.h"
#include "store/tenants.h"
#include "sys/files.h"
#include "sys/workers.h"
#include "transfer/internal/names.h"
#include "transfer/internal/notices.h"
#include "transfer/internal/push_plan.h"
#include "transfer/internal/remote_keys.h"
#include "transfer/transfer.h"

namespace reprise::transfer {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;
using base::fail;
namespace fs = std::filesystem;

namespace {

Result<std::string> sealed_note(const store::OpenStore& store, const CheckpointId& id,
                                const std::string& note) {
  std::vector<std::byte> sealed;
  REPRISE_PASS(
      store.keys.manifests.seal(base::as_bytes(note), base::as_bytes(note_bound(id)), sealed));
  return std::string(base::as_text(sealed));
}

struct Upload {
  std::string pack;
  path directory;
  std::uint64_t bytes = 0;
};

Error pushes_counted_on(const remote::ObjectStore& to) {
  return Error(ErrorCode::kBusy, "packs of '" + to.url() +
                                     "' that hold some of its blocks were "
                                     "removed meanwhile")
      .with_hint("try again");
}

class Push {
 public:
  Push(const store::OpenStore& store, remote::ObjectStore& to, const TransferProgress& progress)
      : store_(store), to_(to), progress_(progress), notice_(to, NoticeKind::kPush) {}
  // kNotFound if a pack was rewritten meanwhile; then the checkpoint's file is another one.
  Result<void> run(const CheckpointId& id, const std::string& note);
  [[nodiscard]] const Pushed& pushed() const { return pushed_; }

 private:
  Result<path> make_scratch();
  Result<bool> is_of_others(const CheckpointId& id);
  Result<void> make_safe(const CheckpointId& id, const PushPlan& plan, const std::string& note);
  Result<void> announce(const CheckpointId& id, const PushPlan& plan);
  Result<std::vector<Upload>> lacking(const PushPlan& plan);
  Result<void> upload_all(const std::vector<Upload>& uploads);
  Result<void> upload(const Upload& upload);
  Result<void> check_pack(const Upload& upload) const;
  Result<void> report(const std::string& pack, std::uint64_t bytes);
  Result<void> put_checkpoint(pages::Contents contents, const PushPlan& plan,
                              const std::string& text);
  Result<void> put_note(const CheckpointId& id, const std::string& note);

  const store::OpenStore& store_;
  remote::ObjectStore& to_;
  std::optional<store::StagingPlace> scratch_;  // for packs that are made to be sent
  const TransferProgress& progress_;
  PostedNotice notice_;
  Pushed pushed_;
  std::mutex mutex_;                           // of what follows
  std::map<std::string, std::uint64_t> done_;  // pack to bytes
  std::uint64_t all_ = 0;
};

Result<void> Push::run(const CheckpointId& id, const std::string& note) {
  // Another store, which pulled it, may have pushed it with keys of its own: it is there.
  if (REPRISE_PASS(is_of_others(id))) return {};
  const std::string text = REPRISE_PASS(store::read_sealed(store_, id));
  pages::Contents contents = REPRISE_PASS(pages::open_contents(store_.keys, id, text));
  REPRISE_PASS(put_remote_key(store_, to_));
  const PushPlan plan =
      REPRISE_PASS(plan_push(store_, contents, to_, [this] { return make_scratch(); }));
  REPRISE_PASS(make_safe(id, plan, note));
  REPRISE_PASS(put_checkpoint(std::move(contents), plan, text));
  // One that stood still in between may have come too late for what it had announced.
  if (!notice_.is_fresh()) REPRISE_PASS(make_safe(id, plan, note));
  return base::fault_point("push-sealed");
}

Result<path> Push::make_scratch() {
  scratch_.emplace(REPRISE_PASS(store::StagingPlace::make(store_.layout, 0)));
  const path directory = scratch_->directory() / "packs";
  REPRISE_PASS(sys::make_directories(directory));
  return directory;
}

Result<bool> Push::is_of_others(const CheckpointId& id) {
  const std::string name = remote_checkpoint(id);
  if (!REPRISE_PASS(to_.size(name))) return false;
  const Result<std::string> there = to_.get(name, store::kMaxCheckpointFile);
  if (!there && there.error().code() == ErrorCode::kNotFound) return false;
  const std::string key = key_of_checkpoint(REPRISE_PASS(there));
  return !key.empty() && key != store_.keys.id;
}

Result<void> Push::put_checkpoint(pages::Contents contents, const PushPlan& plan,
                                  const std::string& text) {
  const CheckpointId id = contents.manifest.id;
  const std::string name = remote_checkpoint(id);
  if (REPRISE_PASS(to_.size(name))) {
    // The same one, unless its blocks were moved since.
    const Result<std::string> there = to_.get(name, store::kMaxCheckpointFile);
    const auto theirs =
        there ? pages::open_contents(store_.keys, id, *there) : std::unexpected(there.error());
    if (theirs && theirs->blocks == plan.places) return {};
  }
  if (contents.blocks == plan.places) return to_.put(name, text);
  contents.blocks = plan.places;
  return to_.put(name, REPRISE_PASS(pages::seal_contents(store_.keys, contents)));
}

// All that the checkpoint needs is there, and no gc removes it from now on. An upload may take
// longer than what is announced is good for: then it is looked again, and nothing is left to do.
Result<void> Push::make_safe(const CheckpointId& id, const PushPlan& plan,
                             const std::string& note) {
  do {
    REPRISE_PASS(announce(id, plan));
    REPRISE_PASS(base::fault_point("push-announced"));
    const std::vector<Upload> uploads = REPRISE_PASS(lacking(plan));
    REPRISE_PASS(upload_all(uploads));
    REPRISE_PASS(base::fault_point("push-packs"));
    REPRISE_PASS(put_note(id, note));
  } while (!notice_.is_fresh());
  return {};
}

// Before it is looked what is there (transfer/internal/notices.h).
Result<void> Push::announce(const CheckpointId& id, const PushPlan& plan) {
  std::set<std::string> objects{remote_note(id)};
  for (const pages::BlockPlace& place : plan.places) objects.insert(remote_pack(place.pack));
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

Result<std::vector<Upload>> Push::lacking(const PushPlan& plan) {
  std::map<std::string, std::uint64_t> there;
  for (const auto& object : REPRISE_PASS(to_.list(kRemotePacks)))
    there.emplace(object.name, object.bytes);
  for (const std::string& pack : plan.there)
    if (!there.contains(remote_pack(pack))) return std::unexpected(pushes_counted_on(to_));
  std::vector<Upload> uploads;
  for (const auto& [pack, file] : plan.files) {
    const path directory = file.parent_path();
    const std::uint64_t bytes = REPRISE_PASS(pages::PackReader::open(directory, pack)).bytes();
    const auto found = there.find(remote_pack(pack));
    if (found != there.end() && found->second == bytes) continue;
    uploads.push_back({.pack = pack, .directory = directory, .bytes = bytes});
    all_ += bytes;
  }
  return uploads;
}

Result<void> Push::upload_all(const std::vector<Upload>& uploads) {
  std::deque<std::future<Result<void>>> jobs;
  sys::Workers workers;  // after what its threads use
  for (const Upload& one : uploads)
    jobs.push_back(workers.run([this, &one] { return upload(one); }));
  Result<void> result;
  for (auto& job : jobs)
    if (Result<void> ended = job.get(); !ended && result) result = std::move(ended);
  return result;
}

Result<void> Push::upload(const Upload& upload) {
  REPRISE_PASS(check_pack(upload));
  REPRISE_TRY(
      to_.put_file(remote_pack(upload.pack), pages::pack_file(upload.directory, upload.pack),
                   [&](std::uint64_t done) { return report(upload.pack, done); }),
      "uploading pack '" + upload.pack + "'");
  const std::lock_guard lock(mutex_);
  ++pushed_.packs;
  pushed_.bytes += upload.bytes;
  return base::fault_point("push-pack");
}

// The seal of each block is checked, and nothing decompressed.
Result<void> Push::check_pack(const Upload& upload) const {
  const pages::PackReader pack =
      REPRISE_PASS(pages::PackReader::open(upload.directory, upload.pack));
  std::vector<std::byte> plain;
  return pack.scan([&](const pages::BlockPlace& place) -> Result<void> {
    const auto sealed = REPRISE_PASS(pack.read(place));
    REPRISE_TRY(pages::unseal_block(store_.keys.data, place.id, sealed, plain),
                "reading pack '" + upload.pack + "' at byte " + std::to_string(place.offset));
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
  if (note.empty()) return {};
  const Result<std::string> there = to_.get(remote_note(id), kNoteLimit);
  if (!there && there.error().code() != ErrorCode::kNotFound) return std::unexpected(there.error());
  std::vector<std::byte> plain;
  // It changes when somebody tags the checkpoint.
  if (there &&
      store_.keys.manifests.open(base::as_bytes(*there), base::as_bytes(note_bound(id)), plain) &&
      base::as_text(plain) == note)
    return {};
  return to_.put(remote_note(id), REPRISE_PASS(sealed_note(store_, id, note)));
}

}  // namespace

Result<std::string> seal_note(const store::StoreConfig& config, const CheckpointId& id,
                              const std::string& note) {
  const auto store = REPRISE_PASS(store::open_parts(REPRISE_PASS(store::holder_of(config, id))));
  return sealed_note(*store, id, note);
}

Result<CheckpointId> note_owner(const std::string& name) {
  constexpr std::string_view kNotes = kRemoteNotes;
  if (name.starts_with(kNotes))
    if (auto id = CheckpointId::parse(name.substr(kNotes.size()))) return id;
  return base::fail(ErrorCode::kNotFound, "'" + name + "' is no note");
}

Result<Pushed> push_checkpoint(const store::StoreConfig& config, const CheckpointId& id,
                               const std::string& note, remote::ObjectStore& to,
                               const TransferProgress& progress) {
  constexpr int kAttempts = 3;
  const auto store = REPRISE_PASS(store::open_parts(REPRISE_PASS(store::holder_of(config, id))));
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

}  // namespace reprise::transfer
