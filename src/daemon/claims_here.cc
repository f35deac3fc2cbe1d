// SPDX-License-Identifier: Apache-2.0
#include "daemon/claims_here.h"

#include <unistd.h>

#include <utility>

#include "base/log.h"
#include "daemon/agreement.h"
#include "daemon/sessions.h"
#include "store/open_catalog.h"
#include "sys/process.h"

namespace reprise::daemon {

using base::ErrorCode;
using base::LogLevel;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

oci::PodContainer claimers(const CheckpointObject& checkpoint, const std::string& container) {
  return {.name_space = checkpoint.name_space,
          .pod = checkpoint.claimed_by->pod,
          .uid = checkpoint.claimed_by->uid,
          .container = container};
}

// The key of the claimer's container, in the scope in which the source's was.
Result<base::ContainerKey> key_of_claimer(const base::ContainerKey& source,
                                          const oci::PodContainer& container) {
  const std::string& text = source.str();
  return base::ContainerKey::parse(text.substr(0, text.find('@')) + "@" +
                                   oci::key_name(container).str());
}

// Takes what the pod was to go on from away from it. False if it is being gone on from right now.
Result<bool> take_back(catalog::Catalog& catalog, const CheckpointObject& checkpoint,
                       const SavedContainer& container, bool saved_here) {
  const auto row = catalog.find_checkpoint(container.checkpoint.str());
  if (!row && row.error().code() == ErrorCode::kNotFound) return true;  // it never came
  if (!row) return std::unexpected(row.error());
  if (!is_of(*row, checkpoint.source(container.name))) return true;
  const auto key = REPRISE_PASS(key_of_claimer(row->key, claimers(checkpoint, container.name)));
  const auto session = base::SessionId::random();
  const auto self = REPRISE_PASS(sys::process_ref(::getpid()));
  const auto ours = catalog.claim(key, session, self);
  if (!ours && ours.error().code() == ErrorCode::kBusy) return false;
  if (!ours) return std::unexpected(ours.error());
  if (!*ours || (*ours)->checkpoint != container.checkpoint) return true;
  // Given back before it is dropped: of a pod that is gone it is no use.
  if (saved_here) REPRISE_PASS(catalog.set_continuation(row->key, container.checkpoint));
  REPRISE_PASS(catalog.drop_continuation(key));
  return true;
}

}  // namespace

ClaimsHere::ClaimsHere(kube::Client& client, ClusterView& view, store::StoreConfig store,
                       std::string node)
    : client_(client),
      view_(view),
      store_(std::move(store)),
      node_(std::move(node)),
      thread_([this] { run(); }) {}

ClaimsHere::~ClaimsHere() {
  stop_ = true;
  thread_.join();
}

void ClaimsHere::run() {
  constexpr milliseconds kPace{1000};
  while (!stop_) {
    const std::uint64_t seen = view_.version();
    look();
    view_.wait_change(seen, kPace);
    std::this_thread::sleep_for(kPace / 4);
  }
}

void ClaimsHere::look() {
  for (const CheckpointObject& one : view_.checkpoints()) {
    if (one.is_over() || !one.claimed_by || one.claimed_by->node != node_) continue;
    if (const auto followed = follow(one); !followed)
      base::log(LogLevel::kWarn, "a claim does not come on, trying again",
                {{"checkpoint", one.full_name()}, {"error", followed.error().message()}});
  }
}

Result<void> ClaimsHere::follow(const CheckpointObject& checkpoint) {
  constexpr int kNewest = 500;
  auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
  bool is_used = false;  // or may be
  std::vector<SavedContainer> resumed;
  for (const catalog::SessionRow& row : REPRISE_PASS(catalog.sessions(kNewest)))
    for (const SavedContainer& one : checkpoint.containers) {
      if (row.kind != catalog::SessionKind::kRestore ||
          !is_key_of(row.key, claimers(checkpoint, one.name)))
        continue;
      is_used = is_used || row.status != catalog::SessionStatus::kFailed;
      if (row.status == catalog::SessionStatus::kOk && row.checkpoint == one.checkpoint)
        resumed.push_back(one);
    }
  if (!resumed.empty()) {
    const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
      bool is_news = false;
      for (const SavedContainer& one : resumed)
        is_news = set_resumed(now, one.name, one.checkpoint) || is_news;
      return is_news;
    });
    if (!changed) return std::unexpected(changed.error());
  }
  if (is_used || !is_gone(*checkpoint.claimed_by)) return {};
  return release(catalog, checkpoint);
}

bool ClaimsHere::is_gone(const Claimer& claimer) {
  constexpr std::chrono::seconds kSettled{3};
  const auto pod = view_.pod(claimer.uid);
  if (!view_.is_in_step() || (pod && !pod->ended)) {
    gone_.erase(claimer.uid);
    return false;
  }
  const auto now = steady_clock::now();
  return now - gone_.try_emplace(claimer.uid, now).first->second >= kSettled;
}

Result<void> ClaimsHere::release(catalog::Catalog& catalog, const CheckpointObject& checkpoint) {
  for (const SavedContainer& one : checkpoint.containers)
    if (!one.checkpoint.empty() &&
        !REPRISE_PASS(take_back(catalog, checkpoint, one, checkpoint.node == node_)))
      return {};
  const Claimer claimer = *checkpoint.claimed_by;
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    if (now.is_over() || !now.claimed_by || now.claimed_by->uid != claimer.uid) return false;
    drop_claim(now);
    return true;
  });
  if (!changed) return std::unexpected(changed.error());
  base::log(LogLevel::kInfo, "a claim was released",
            {{"checkpoint", checkpoint.full_name()}, {"pod", claimer.pod}});
  return {};
}

}  // namespace reprise::daemon
