// SPDX-License-Identifier: Apache-2.0
#include "daemon/remote_copies.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "daemon/agreement.h"
#include "daemon/sessions.h"
#include "json/reader.h"
#include "json/writer.h"
#include "remote/open.h"
#include "store/open_catalog.h"
#include "sys/exists.h"
#include "sys/file_lock.h"
#include "sys/files.h"
#include "transfer/transfer.h"

namespace reprise::daemon {

using base::ErrorCode;
using base::LogLevel;
using base::Result;
using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

Result<std::unique_ptr<remote::ObjectStore>> open_node_remote(const config::Config& config,
                                                              const std::string& name) {
  const config::Remote found = REPRISE_PASS(config.remote(name));
  const std::string step = "opening the remote '" + name + "'";
  const remote::RemoteConfig access = REPRISE_TRY(config::access_of(found), step);
  return REPRISE_TRY(remote::open_remote(access), step);
}

CopyRecords::CopyRecords(const std::filesystem::path& store)
    : directory_(store / "kubernetes-copies") {}

Result<void> CopyRecords::keep(const Record& record) const {
  if (!base::parse_id(record.remote))
    return base::fail(ErrorCode::kInvalidInput, "'" + record.remote + "' is no name of a remote");
  const auto directory = directory_ / record.remote;
  const auto file = directory / record.checkpoint.str();
  if (REPRISE_PASS(sys::exists(file))) return {};
  REPRISE_PASS(sys::make_directories_durably(directory));
  return sys::replace_file(
      file, json_writer::print(json{{"namespace", record.name_space}, {"podUID", record.pod_uid}}));
}

Result<void> CopyRecords::drop(const Record& record) const {
  return sys::remove_tree(directory_ / record.remote / record.checkpoint.str());
}

Result<std::vector<CopyRecords::Record>> CopyRecords::all() const {
  std::vector<Record> found;
  if (!REPRISE_PASS(sys::exists(directory_))) return found;
  for (const std::string& remote : REPRISE_PASS(sys::names_in(directory_)))
    for (const std::string& name : REPRISE_PASS(sys::names_in(directory_ / remote))) {
      const auto id = base::CheckpointId::parse(name);
      if (!id) continue;
      const json read =
          json_reader::parse_or_discarded(REPRISE_PASS(sys::read_file(directory_ / remote / name)));
      found.push_back({.remote = remote,
                       .checkpoint = *id,
                       .name_space = json_reader::text_in(read, "namespace"),
                       .pod_uid = json_reader::text_in(read, "podUID")});
    }
  return found;
}

bool needs_copy(const std::vector<CheckpointObject>& all, const CopyRecords::Record& record) {
  return std::ranges::any_of(all, [&](const CheckpointObject& one) {
    return one.pod_uid == record.pod_uid && one.name_space == record.name_space &&
           one.phase != Phase::kConsumed;
  });
}

RemoteCopies::RemoteCopies(kube::Client& client, ClusterView& view, store::StoreConfig store,
                           config::Config config, std::string node)
    : client_(client),
      view_(view),
      store_(std::move(store)),
      config_(std::move(config)),
      node_(std::move(node)),
      records_(store_.root),
      thread_([this] { run(); }) {}

RemoteCopies::~RemoteCopies() {
  stop_ = true;
  thread_.join();
}

// Uploads are told by the catalog, which tells nobody.
void RemoteCopies::run() {
  constexpr std::chrono::milliseconds kPace{1000};
  while (!stop_) {
    const std::uint64_t seen = view_.version();
    look();
    view_.wait_change(seen, kPace);
    std::this_thread::sleep_for(kPace / 2);
  }
}

// Out of step, what is not in the list may be there all the same.
void RemoteCopies::look() {
  if (!view_.is_in_step()) return needless_.clear();
  const auto all = view_.checkpoints();
  base::warn_and_ignore(note(all), "where else a checkpoint is, is told later");
  base::warn_and_ignore(remove_needless(all), "copies at remotes are removed later");
}

Result<void> RemoteCopies::note(const std::vector<CheckpointObject>& all) {
  const bool has_some = std::ranges::any_of(
      all, [this](const CheckpointObject& one) { return one.node == node_ && one.remote.empty(); });
  if (config_.upload_remotes().empty() || !has_some) return {};
  if (!REPRISE_PASS(catalog::Catalog::exists(store_.root))) return {};
  auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
  const auto copies = REPRISE_PASS(catalog.copies());
  if (copies.empty()) return {};
  for (const CheckpointObject& one : all)
    if (one.node == node_ && one.remote.empty() && has_own_name(one))
      REPRISE_PASS(note_copies(one, catalog, copies));
  return {};
}

// By our own catalog; noted from before the upload is over, so that nothing stays there which
// nobody knows of.
Result<void> RemoteCopies::note_copies(const CheckpointObject& checkpoint,
                                       catalog::Catalog& catalog,
                                       const std::vector<catalog::Copy>& copies) {
  std::map<std::string, std::size_t> whole;  // remote to containers
  for (const catalog::Copy& copy : copies) {
    const auto saved =
        std::ranges::find(checkpoint.containers, copy.checkpoint, &SavedContainer::checkpoint);
    if (saved == checkpoint.containers.end()) continue;
    const auto row = catalog.find_checkpoint(copy.checkpoint.str());
    if (!row && row.error().code() == ErrorCode::kNotFound) continue;
    if (!row) return std::unexpected(row.error());
    if (!is_of(*row, checkpoint.source(saved->name))) continue;
    REPRISE_PASS(records_.keep({.remote = copy.remote,
                                .checkpoint = copy.checkpoint,
                                .name_space = checkpoint.name_space,
                                .pod_uid = checkpoint.pod_uid}));
    if (!copy.uploading) ++whole[copy.remote];
  }
  if (checkpoint.phase != Phase::kClaimable) return {};
  for (const std::string& remote : config_.upload_remotes())
    if (whole[remote] == checkpoint.expected.size()) return tell(checkpoint, remote);
  return {};
}

Result<void> RemoteCopies::tell(const CheckpointObject& checkpoint, const std::string& remote) {
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    if (now.phase != Phase::kClaimable || !now.remote.empty()) return false;
    set_remote(now, remote);
    return true;
  });
  if (!changed) return std::unexpected(changed.error());
  base::log(LogLevel::kInfo, "uploaded",
            {{"checkpoint", checkpoint.full_name()}, {"remote", remote}});
  return {};
}

Result<void> RemoteCopies::remove_needless(const std::vector<CheckpointObject>& all) {
  constexpr seconds kSettled{20};  // the list may be about to learn of it
  constexpr seconds kPause{60};
  const auto now = steady_clock::now();
  for (const CopyRecords::Record& record : REPRISE_PASS(records_.all())) {
    const std::string id = record.checkpoint.str();
    if (needs_copy(all, record)) {
      needless_.erase(id);
      continue;
    }
    if (now - needless_.try_emplace(id, now).first->second < kSettled) continue;
    if (const auto last = failed_.find(id); last != failed_.end() && now - last->second < kPause)
      continue;
    const auto removed = remove(record);
    if (!removed && removed.error().code() == ErrorCode::kGone) return {};
    base::warn_and_ignore(removed, "a checkpoint stays at a remote for now");
    failed_.erase(id);
    if (!removed) failed_[id] = now;
    if (removed) needless_.erase(id);
  }
  return {};
}

// kGone: something is being uploaded, perhaps this one. No upload that begins after the note goes
// there again.
Result<void> RemoteCopies::remove(const CopyRecords::Record& record) {
  if (REPRISE_PASS(catalog::Catalog::exists(store_.root))) {
    auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
    REPRISE_PASS(catalog.note_removed_copy(record.checkpoint, record.remote));
  }
  if (const auto lock = sys::FileLock::try_lock(store_.root / "upload.lock"); !lock)
    return base::fail(ErrorCode::kGone, lock.error().message());
  const auto remote = REPRISE_PASS(open_node_remote(config_, record.remote));
  REPRISE_PASS(transfer::remove_remote_checkpoint(record.checkpoint, *remote));
  REPRISE_PASS(records_.drop(record));
  base::log(LogLevel::kInfo, "removed at a remote",
            {{"checkpoint", record.checkpoint.str()}, {"remote", record.remote}});
  return {};
}

}  // namespace reprise::daemon
