// SPDX-License-Identifier: Apache-2.0
//
// The checkpoints that lie elsewhere: which there are, and taking one away.
#include "base/fault.h"
#include "transfer/internal/names.h"
#include "transfer/internal/remote_keys.h"
#include "transfer/transfer.h"

namespace reprise::transfer {

using base::CheckpointId;
using base::ErrorCode;
using base::fail;
using std::filesystem::path;

Result<RemoteCheckpoints> remote_checkpoints(const store::StoreConfig& config,
                                             remote::ObjectStore& from) {
  const std::string step = "listing the checkpoints of '" + from.url() + "'";
  const auto store = REPRISE_PASS(store::open_parts(config));
  RemoteCheckpoints found;
  RemoteKeys known(*store, from);
  for (const auto& object : REPRISE_TRY(from.list(kRemoteCheckpoints), step)) {
    const auto id = id_of(object.name, kRemoteCheckpoints);
    if (!id) continue;  // no checkpoint
    const Result<std::string> text = from.get(object.name, store::kMaxCheckpointFile);
    if (!text && text.error().code() == ErrorCode::kNotFound) continue;  // removed since
    REPRISE_TRY(text, step);
    const auto keys = known.of(*text);
    if (!keys && keys.error().code() != ErrorCode::kDenied) REPRISE_TRY(keys, step);
    Result<pages::Contents> contents =
        keys ? pages::open_contents(**keys, *id, *text) : std::unexpected(keys.error());
    if (contents && *keys != &store->keys) found.of_others.push_back(*id);
    if (contents)
      found.manifests.push_back(std::move(contents->manifest));
    else
      found.unreadable.push_back(*id);
  }
  return found;
}

Result<CheckpointId> find_remote_checkpoint(const std::string& prefix, remote::ObjectStore& from) {
  const auto none = [&] {
    return fail(ErrorCode::kNotFound, "'" + from.url() + "' has no checkpoint '" + prefix + "'");
  };
  // What comes from people becomes part of a name there.
  if (!base::parse_id(prefix)) return none();
  const std::string name = kRemoteCheckpoints + prefix;
  std::string candidates;
  std::vector<CheckpointId> found;
  for (const auto& object : REPRISE_PASS(from.list(name))) {
    auto id = id_of(object.name, kRemoteCheckpoints);
    if (!id) continue;  // no checkpoint
    found.push_back(std::move(*id));
    if (object.name == name) return found.back();
    candidates += (candidates.empty() ? "'" : ", '") + found.back().str() + "'";
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) return none();
  return fail(ErrorCode::kInvalidInput,
              "'" + prefix + "' names more than one checkpoint: " + candidates);
}

// What is visible must be whole, so its note goes last.
Result<bool> remove_remote_checkpoint(const CheckpointId& id, remote::ObjectStore& from) {
  const std::string step = "removing checkpoint '" + id.str() + "' from '" + from.url() + "'";
  const auto size = REPRISE_TRY(from.size(remote_checkpoint(id)), step);
  REPRISE_TRY(from.remove(remote_checkpoint(id)), step);
  REPRISE_PASS(base::fault_point("remote-rm"));
  REPRISE_TRY(from.remove(remote_note(id)), step);
  return size.has_value();
}

}  // namespace reprise::transfer
