// SPDX-License-Identifier: Apache-2.0
//
// Why it is safe, of a pack that is removed and a push that needs it. The push announces it, looks
// at what gcs have announced, looks whether the pack is there, and only later makes its checkpoint
// visible. We announce the pack, look at what pushes have announced, then at the checkpoints, and
// only then remove it. If our announcement comes before the push looks, the push ends (while it
// stands), or finds the pack gone and uploads it (after it). If it comes later, then so does our
// look: we see what the push announced, or, if that is over, its checkpoint.
#include "transfer/remote_gc.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/fault.h"
#include "pages/contents.h"
#include "store/open_store.h"
#include "transfer/internal/names.h"
#include "transfer/internal/notices.h"
#include "transfer/internal/remote_keys.h"

namespace reprise::transfer {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;
using base::fail;
using remote::ObjectInfo;
using std::filesystem::path;

namespace {

using Names = std::set<std::string>;

// No transfer of one object takes so long.
constexpr std::chrono::hours kUnfinished{24};

class RemoteCollection {
 public:
  RemoteCollection(const store::OpenStore& store, remote::ObjectStore& at,
                   const RemoteGcOptions& options)
      : at_(at), keys_(store, at), options_(options), notice_(at, NoticeKind::kGc) {}
  Result<RemoteCollected> run();

 private:
  // What a checkpoint there needs, and of which object we know it.
  struct Known {
    ObjectInfo object;
    Names packs;
  };

  Result<void> refuse_store();
  Result<Names> needed();
  Result<std::optional<Known>> read(const ObjectInfo& object);
  Result<std::vector<ObjectInfo>> useless(const Notices& notices);
  Result<void> remove(const std::vector<ObjectInfo>& objects);
  void count(const ObjectInfo& removed);
  [[nodiscard]] bool is_known(const ObjectInfo& object) const;
  [[nodiscard]] Error unreadable_error() const;

  remote::ObjectStore& at_;
  RemoteKeys keys_;
  const RemoteGcOptions& options_;
  PostedNotice notice_;
  base::UnixMillis began_ = 0;  // by the clock there
  std::map<std::string, Known> known_;
  std::vector<std::string> unreadable_;
  std::optional<Error> why_;  // of the first of them
  RemoteCollected collected_;
};

bool is_pack(const std::string& name) { return name.starts_with(kRemotePacks); }

// A checkpoint that is replaced gets another time, unless it is replaced within the same tick of
// the clocks there.
bool RemoteCollection::is_known(const ObjectInfo& object) const {
  constexpr base::UnixMillis kClocks = 60'000;
  const auto known = known_.find(object.name);
  return known != known_.end() && known->second.object == object && object.modified &&
         *object.modified < began_ - kClocks;
}

// nullopt if it was removed meanwhile, or is unreadable, which is noted.
Result<std::optional<RemoteCollection::Known>> RemoteCollection::read(const ObjectInfo& object) {
  const auto id = id_of(object.name, kRemoteCheckpoints);
  if (!id) {
    // It may need anything.
    unreadable_.push_back(object.name);
    if (!why_) why_ = id.error();
    return std::nullopt;
  }
  Result<std::string> text = at_.get(object.name, store::kMaxCheckpointFile);
  if (!text && text.error().code() == ErrorCode::kNotFound) return std::nullopt;
  REPRISE_PASS(text);
  Names packs;
  const auto keys = keys_.of(*text);
  const Result<void> visited =
      keys ? pages::visit_blocks(**keys, *id, std::move(*text),
                                 [&](const pages::BlockPlace& place) { packs.insert(place.pack); })
           : std::unexpected(keys.error());
  if (visited) return Known{.object = object, .packs = std::move(packs)};
  unreadable_.push_back(id->str());
  if (!why_) why_ = visited.error();
  return std::nullopt;
}

// By any checkpoint that is there now.
Result<Names> RemoteCollection::needed() {
  Names names;
  for (const ObjectInfo& object : REPRISE_PASS(at_.list(kRemoteCheckpoints))) {
    if (const auto id = id_of(object.name, kRemoteCheckpoints)) names.insert(remote_note(*id));
    if (!is_known(object)) {
      auto known = REPRISE_PASS(read(object));
      if (!known) continue;
      known_.insert_or_assign(object.name, std::move(*known));
    }
    for (const std::string& pack : known_.at(object.name).packs) names.insert(remote_pack(pack));
  }
  if (!unreadable_.empty()) return std::unexpected(unreadable_error());
  return names;
}

Error RemoteCollection::unreadable_error() const {
  constexpr std::size_t kNamed = 10;
  std::string names;
  for (std::size_t i = 0; i < std::min(unreadable_.size(), kNamed); ++i)
    names += (i == 0 ? "'" : ", '") + unreadable_[i] + "'";
  if (unreadable_.size() > kNamed)
    names += " and " + std::to_string(unreadable_.size() - kNamed) + " more";
  return Error(why_->code(),
               "nothing is removed, since what these checkpoints need cannot be "
               "read: " +
                   names + ": " + why_->message())
      .with_hint(
          "run the command with the store whose key they have; those that are damaged can "
          "be removed with 'reprise checkpoint rm --remote'");
}

// Packs and notes that nothing needs, and that are old enough.
Result<std::vector<ObjectInfo>> RemoteCollection::useless(const Notices& notices) {
  const Names needed_now = REPRISE_PASS(needed());
  std::vector<ObjectInfo> found;
  for (const char* kind : {kRemotePacks, kRemoteNotes}) {
    for (ObjectInfo& object : REPRISE_PASS(at_.list(kind))) {
      if (needed_now.contains(object.name)) continue;
      const bool busy = notices.pushes.contains(object.name);
      const bool young =
          !object.modified || notices.now - *object.modified < options_.grace.count();
      if (is_pack(object.name)) {
        if (busy)
          ++collected_.busy;
        else if (young)
          ++collected_.young;
      }
      if (!busy && !young) found.push_back(std::move(object));
    }
  }
  return found;
}

void RemoteCollection::count(const ObjectInfo& removed) {
  if (is_pack(removed.name)) ++collected_.packs;
  collected_.bytes += removed.bytes;
}

Result<void> RemoteCollection::remove(const std::vector<ObjectInfo>& objects) {
  for (const ObjectInfo& object : objects) {
    if (!notice_.is_fresh()) {
      if (is_pack(object.name)) ++collected_.left;
      continue;
    }
    REPRISE_PASS(at_.remove(object.name));
    REPRISE_PASS(base::fault_point("remote-gc-removed"));
    count(object);
  }
  return {};
}

// Of a store in use, sessions count on packs that no checkpoint needs, and announce nothing.
Result<void> RemoteCollection::refuse_store() {
  for (const char* file : {"catalog.db", "index.db"})
    if (REPRISE_PASS(at_.size(file)))
      return std::unexpected(
          Error(ErrorCode::kInvalidInput, "'" + at_.url() + "' is a store, and no remote")
              .with_hint("run 'reprise store gc' on its node, without --remote"));
  return {};
}

Result<RemoteCollected> RemoteCollection::run() {
  // Of a place that is not there: before anything of ours makes it.
  REPRISE_PASS(at_.list(kRemoteNotices));
  REPRISE_PASS(refuse_store());
  // Says nothing yet, but when it is, by the clock there.
  REPRISE_PASS(notice_.post({}));
  const Notices before = REPRISE_PASS(read_notices(at_, notice_));
  began_ = before.now;
  std::vector<ObjectInfo> objects = REPRISE_PASS(useless(before));
  if (options_.dry_run) {
    for (const ObjectInfo& object : objects) count(object);
    return collected_;
  }
  if (!objects.empty()) {
    Names names;
    for (const ObjectInfo& object : objects) names.insert(object.name);
    REPRISE_PASS(base::fault_point("remote-gc-chosen"));
    REPRISE_PASS(notice_.post(names));
    REPRISE_PASS(base::fault_point("remote-gc-announced"));
    // In this order: a push takes its announcement back when its checkpoint is there.
    const Notices now = REPRISE_PASS(read_notices(at_, notice_));
    const Names needed_now = REPRISE_PASS(needed());
    REPRISE_PASS(base::fault_point("remote-gc-looked"));
    std::erase_if(objects, [&](const ObjectInfo& object) {
      return now.pushes.contains(object.name) || needed_now.contains(object.name);
    });
    REPRISE_PASS(remove(objects));
  }
  for (const std::string& name : before.passed) REPRISE_PASS(at_.remove(name));
  // Nobody announces these: what is under way must not be taken for what was left.
  const base::UnixMillis old =
      before.now - std::max<std::chrono::milliseconds>(options_.grace, kUnfinished).count();
  for (const char* kind : {kRemotePacks, kRemoteCheckpoints, kRemoteNotes, kRemoteNotices})
    collected_.unfinished += REPRISE_PASS(at_.drop_unfinished(kind, old));
  return collected_;
}

}  // namespace

Result<RemoteCollected> collect_remote(const store::StoreConfig& config, remote::ObjectStore& at,
                                       const RemoteGcOptions& options) {
  const std::string step = "collecting garbage at '" + at.url() + "'";
  const auto store = REPRISE_TRY(store::open_parts(config), step);
  return REPRISE_TRY(RemoteCollection(*store, at, options).run(), step);
}

}  // namespace reprise::transfer
