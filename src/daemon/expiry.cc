// SPDX-License-Identifier: Apache-2.0
#include "daemon/expiry.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "daemon/sessions.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "json/writer.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "store/prune.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::daemon {

using base::ErrorCode;
using base::LogLevel;
using base::Result;
using json_reader::list_in;
using json_reader::object_in;
using json_reader::text_in;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

// Whoever says more means for ever; and what is said must not run over.
constexpr std::int64_t kLongestRetention = 10LL * 366 * 86'400;  // seconds

constexpr const char* kUnclaimed = "unclaimedSeconds";
constexpr const char* kWithdrawn = "withdrawnSeconds";

seconds kept_for(const CheckpointObject& checkpoint, const char* field, seconds otherwise) {
  const json& retention = object_in(object_in(checkpoint.object, "spec"), "retention");
  const auto found = retention.find(field);
  if (found == retention.end() || !found->is_number_integer()) return otherwise;
  return seconds(std::clamp<std::int64_t>(found->get<std::int64_t>(), 0, kLongestRetention));
}

// nullopt: for ever.
std::optional<seconds> lifetime_of(const CheckpointObject& checkpoint) {
  switch (checkpoint.phase) {
    case Phase::kPromised:
      return std::nullopt;
    case Phase::kClaimable:
      if (checkpoint.claimed_by) return std::nullopt;
      return kept_for(checkpoint, kUnclaimed, kKeepUnclaimed);
    case Phase::kWithdrawn:
      // Somebody may have to decide.
      if (checkpoint.claimed_by && checkpoint.claimed_by->lost)
        return kept_for(checkpoint, kUnclaimed, kKeepUnclaimed);
      return kept_for(checkpoint, kWithdrawn, kKeepWithdrawn);
    case Phase::kConsumed:
      return kKeepConsumed;
  }
  return std::nullopt;
}

// Since when it is what it is: it may have been Claimable for long before it was withdrawn.
std::optional<base::UnixMillis> since(const CheckpointObject& checkpoint) {
  const auto made = base::from_iso8601(created(checkpoint));
  const auto changed =
      base::from_iso8601(text_in(object_in(checkpoint.object, "status"), kTransitionTime));
  return made && changed ? std::max(*made, *changed) : made;
}

bool is_same_place(const CheckpointObject& one, const CheckpointObject& other) {
  return !one.lineage.slot.empty() && one.name_space == other.name_space &&
         one.lineage.slot == other.lineage.slot && one.lineage.owner.uid == other.lineage.owner.uid;
}

// An older one of the place might be gone on from if this one were not there.
bool is_needed_as_word(const CheckpointObject& checkpoint,
                       const std::vector<CheckpointObject>& all) {
  return std::ranges::any_of(all, [&](const CheckpointObject& other) {
    return other.uid != checkpoint.uid && !other.is_over() && is_same_place(other, checkpoint) &&
           created(other) <= created(checkpoint);
  });
}

bool has_part_in(const CheckpointObject& checkpoint, const std::string& node) {
  return checkpoint.node == node || (checkpoint.claimed_by && checkpoint.claimed_by->node == node);
}

// It becomes the name of a file, and others may have written it.
bool is_uid(const std::string& text) {
  constexpr std::size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::vector<CheckpointObject> expired(const std::vector<CheckpointObject>& all,
                                      const std::string& node, base::UnixMillis now) {
  std::vector<CheckpointObject> found;
  for (const CheckpointObject& one : all) {
    if (one.node != node || !has_own_name(one)) continue;
    const auto lifetime = lifetime_of(one);
    const auto begun = since(one);
    if (!lifetime || !begun || milliseconds(now - *begun) < *lifetime) continue;
    if (!is_needed_as_word(one, all)) found.push_back(one);
  }
  return found;
}

void set_retention(json& object, const Retention& retention) {
  const auto put = [&object](const char* field, const std::optional<seconds>& time) {
    if (time)
      object["spec"]["retention"][field] = std::min<std::int64_t>(time->count(), kLongestRetention);
  };
  put(kUnclaimed, retention.unclaimed);
  put(kWithdrawn, retention.withdrawn);
}

CheckpointRecords::CheckpointRecords(const std::filesystem::path& store)
    : directory_(store / "kubernetes") {}

Result<void> CheckpointRecords::keep(const Record& record) {
  if (kept_.contains(record.pod_uid)) return {};
  if (!is_uid(record.pod_uid))
    return base::fail(ErrorCode::kInvalidInput, "'" + record.pod_uid + "' is no UID");
  const auto file = directory_ / record.pod_uid;
  if (!REPRISE_PASS(sys::exists(file))) {
    REPRISE_PASS(sys::make_directories(directory_));
    REPRISE_PASS(
        sys::replace_file(file, json_writer::print(json{{"namespace", record.name_space},
                                                        {"checkpoint", record.name},
                                                        {"pod", record.pod},
                                                        {"containers", record.containers}})));
  }
  kept_.insert(record.pod_uid);
  return {};
}

Result<void> CheckpointRecords::drop(const std::string& pod_uid) {
  kept_.erase(pod_uid);
  return sys::remove_tree(directory_ / pod_uid);
}

Result<std::vector<CheckpointRecords::Record>> CheckpointRecords::all() const {
  std::vector<Record> found;
  if (!REPRISE_PASS(sys::exists(directory_))) return found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string uid = entry->path().filename().string();
    if (!is_uid(uid)) continue;
    const json read = json_reader::parse_or_discarded(REPRISE_PASS(sys::read_file(entry->path())));
    Record record{.name_space = text_in(read, "namespace"),
                  .name = text_in(read, "checkpoint"),
                  .pod = text_in(read, "pod"),
                  .pod_uid = uid,
                  .containers = {}};
    for (const json& one : list_in(read, "containers"))
      if (one.is_string()) record.containers.push_back(one.get<std::string>());
    if (!record.name.empty()) found.push_back(std::move(record));
  }
  if (error)
    return std::unexpected(
        base::Error::from_errno(error.value(), "reading '" + directory_.string() + "'"));
  return found;
}

Expiry::Expiry(kube::Client& client, const ClusterView& view, store::StoreConfig store,
               std::string node)
    : client_(client),
      view_(view),
      store_(std::move(store)),
      node_(std::move(node)),
      records_(store_.root),
      follower_(view, {.longest = std::chrono::seconds(15), .rest = milliseconds(500)},
                [this] { look(); }) {}

// Out of step, what is not in the list may be there all the same.
void Expiry::look() {
  if (!view_.is_in_step()) return orphans_.clear();
  const auto all = view_.checkpoints();
  base::warn_and_ignore(note(all), "what is saved here may stay for ever");
  remove_expired(all);
  base::warn_and_ignore(free_orphans(all), "what a removed Checkpoint was about stays for now");
}

Result<void> Expiry::note(const std::vector<CheckpointObject>& all) {
  for (const CheckpointObject& one : all)
    if (has_part_in(one, node_) && has_own_name(one) && is_uid(one.pod_uid))
      REPRISE_PASS(records_.keep({.name_space = one.name_space,
                                  .name = one.name,
                                  .pod = one.pod,
                                  .pod_uid = one.pod_uid,
                                  .containers = one.expected}));
  return {};
}

void Expiry::remove_expired(const std::vector<CheckpointObject>& all) {
  for (const CheckpointObject& one : expired(all, node_, base::now_unix_millis())) {
    // Who claims it at the same time wins.
    const auto removed = client_.remove(
        one.path(),
        {.uid = one.uid,
         .resource_version = text_in(object_in(one.object, "metadata"), "resourceVersion")},
        follower_.ends());
    if (removed)
      base::log(LogLevel::kInfo, "expired",
                {{"checkpoint", one.full_name()}, {"phase", std::string(to_string(one.phase))}});
    else if (removed.error().code() != ErrorCode::kNotFound && !kube::is_conflict(removed.error()))
      base::warn_and_ignore(removed, "an old Checkpoint is removed later");
  }
}

Result<void> Expiry::free_orphans(const std::vector<CheckpointObject>& all) {
  constexpr seconds kSettled{20};  // the object may just be being made
  int removed = 0;
  for (const auto& record : REPRISE_PASS(records_.all())) {
    const bool is_there = std::ranges::any_of(all, [&](const CheckpointObject& one) {
      return one.pod_uid == record.pod_uid && one.name_space == record.name_space;
    });
    const auto now = steady_clock::now();
    if (is_there || view_.pod(record.pod_uid)) {
      orphans_.erase(record.pod_uid);
      continue;
    }
    if (now - orphans_.try_emplace(record.pod_uid, now).first->second < kSettled) continue;
    if (!REPRISE_PASS(free(record, removed))) continue;
    REPRISE_PASS(records_.drop(record.pod_uid));
    orphans_.erase(record.pod_uid);
  }
  if (removed == 0) return {};
  constexpr seconds kPatience{30};
  const auto store = REPRISE_PASS(store::open_store(store_));
  const auto collected = REPRISE_PASS(store->collect(kPatience));
  base::log(LogLevel::kInfo, "freed what Checkpoints were about that are gone",
            {{"checkpoints", std::to_string(removed)}, {"bytes", std::to_string(collected.bytes)}});
  return {};
}

// By our own catalog.
Result<bool> Expiry::free(const CheckpointRecords::Record& record, int& removed) {
  if (!REPRISE_PASS(catalog::Catalog::exists(store_.root))) return true;
  auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
  const auto store = REPRISE_PASS(store::open_store(store_));
  bool all = true;
  for (const catalog::CheckpointRow& row : REPRISE_PASS(catalog.checkpoints())) {
    const bool is_its = row.trigger == image::Trigger::kStop &&
                        std::ranges::any_of(record.containers, [&](const std::string& name) {
                          return is_of(row, {.name_space = record.name_space,
                                             .pod = record.pod,
                                             .uid = record.pod_uid,
                                             .container = name});
                        });
    if (!is_its) continue;
    // Their next starts would go on from it, and never come.
    REPRISE_PASS(drop_of_gone_pods(
        catalog, row.id, [&](const std::string& uid) { return view_.pod(uid).has_value(); }));
    const auto gone = store::remove_unneeded(catalog, *store, row.id);
    if (!gone && gone.error().code() != ErrorCode::kBusy) return std::unexpected(gone.error());
    if (gone && *gone) ++removed;
    // Pinned and tagged ones are somebody's from now on.
    all = all && gone && (*gone || row.pinned || !row.tag.empty());
  }
  return all;
}

}  // namespace reprise::daemon
