// SPDX-License-Identifier: Apache-2.0
#include "operations/transfer/transfer.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "operations/container/containers.h"
#include "operations/container/named_checkpoint.h"
#include "operations/transfer/remote_note.h"
#include "store/open_catalog.h"

namespace reprise::operations {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// The container behind a checkpoint, without which nobody could make it again elsewhere.
Result<std::string> note_of(catalog::Catalog& catalog, const catalog::CheckpointRow& checkpoint) {
  auto row = REPRISE_PASS(catalog.container(checkpoint.key));
  // Of one that plain Podman ran and stopped we have seen too little; Podman still knows it.
  if (!row || row->create_command.empty())
    if (const auto info = REPRISE_PASS(container_with(catalog, checkpoint.key)))
      if (record_container(catalog, *info)) row = REPRISE_PASS(catalog.container(checkpoint.key));
  if (!row && checkpoint.tag.empty()) return "";
  return encode(RemoteNote{.tag = checkpoint.tag, .container = std::move(row)});
}

// The newest checkpoint there with this tag; else that of the container with this name.
Result<CheckpointId> find_there(const store::StoreConfig& config, const std::string& subject,
                                const OpenRemote& remote) {
  auto found = transfer::find_remote_checkpoint(subject, *remote.objects);
  if (found || found.error().code() != ErrorCode::kNotFound) return found;
  auto there = REPRISE_PASS(transfer::remote_checkpoints(config, *remote.objects));
  std::ranges::sort(there.manifests, std::greater(), &image::Manifest::created);
  for (const image::Manifest& manifest : there.manifests) {
    const auto text = transfer::remote_note_of(config, manifest.id, *remote.objects);
    const auto note = text ? decode_remote_note(*text) : std::unexpected(text.error());
    if (note && note->tag == subject) return manifest.id;
  }
  for (const image::Manifest& manifest : there.manifests)
    if (manifest.name == subject || manifest.key.str() == subject) return manifest.id;
  auto error = Error(ErrorCode::kNotFound,
                     "'" + remote.name + "' has no checkpoint, tag or container '" + subject + "'");
  if (there.unreadable.empty())
    return std::unexpected(std::move(error).with_hint("'reprise checkpoint ls --remote " +
                                                      remote.name + "' lists what is there"));
  return std::unexpected(
      std::move(error).with_hint(std::to_string(there.unreadable.size()) +
                                 " checkpoints there cannot be read: is the key of their store in "
                                 "the directory of other keys (docs/remotes.md)?"));
}

Result<void> enter(catalog::Catalog& catalog, const transfer::Pulled& pulled) {
  const image::Manifest& manifest = pulled.manifest;
  const RemoteNote note = REPRISE_PASS(decode_remote_note(pulled.note));
  const auto row = REPRISE_PASS(catalog.container(manifest.key));
  if (note.container && (!row || row->create_command.empty()))
    REPRISE_PASS(catalog.put_container(*note.container));
  const auto known = catalog.find_checkpoint(manifest.id.str());
  if (known && known->id == manifest.id) return {};
  // A tag that is in use here stays with the one that has it.
  const auto same = catalog.find_checkpoint(note.tag);
  const bool is_free = !note.tag.empty() && !same && same.error().code() == ErrorCode::kNotFound;
  return catalog.add_checkpoint(manifest, is_free ? note.tag : "", catalog::Catalog::Continue::kNo);
}

transfer::TransferProgress told_to(Progress& progress) {
  return [&progress](std::uint64_t done, std::uint64_t all) -> Result<void> {
    progress.bytes(done, all);
    progress.tick();
    return {};
  };
}

}  // namespace

Result<std::string> make_note(const store::StoreConfig& config, const std::string& name) {
  const CheckpointId id = REPRISE_PASS(transfer::note_owner(name));
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(config));
  const catalog::CheckpointRow row = REPRISE_PASS(catalog.find_checkpoint(id.str()));
  const std::string note = REPRISE_PASS(note_of(catalog, row));
  if (row.id != id || note.empty())
    return fail(ErrorCode::kNotFound, "there is no note of '" + id.str() + "'");
  return transfer::seal_note(config, id, note);
}

Result<transfer::Pushed> push_to(const Node& node, catalog::Catalog& catalog,
                                 const catalog::CheckpointRow& checkpoint, const OpenRemote& remote,
                                 Progress& progress) {
  const std::string note = REPRISE_PASS(note_of(catalog, checkpoint));
  catalog::Copy copy{.checkpoint = checkpoint.id, .remote = remote.name, .uploading = true};
  REPRISE_PASS(catalog.note_copy(copy));
  const transfer::Pushed pushed = REPRISE_PASS(transfer::push_checkpoint(
      node.store, checkpoint.id, note, *remote.objects, told_to(progress)));
  copy.uploading = false;
  REPRISE_PASS(catalog.note_copy(copy));
  return pushed;
}

Result<PushedCheckpoint> push(const Node& node, const std::string& checkpoint,
                              const std::string& remote, Progress& progress) {
  const OpenRemote to = REPRISE_PASS(open_named(node, remote));
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node.store));
  const catalog::CheckpointRow row = REPRISE_PASS(find_named_checkpoint(catalog, checkpoint));
  const Work work(progress, "pushing");
  const transfer::Pushed pushed = REPRISE_PASS(push_to(node, catalog, row, to, progress));
  return PushedCheckpoint{.id = row.id, .remote = to.name, .pushed = pushed};
}

Result<transfer::Pulled> pull_from(const Node& node, catalog::Catalog& catalog,
                                   const std::string& subject, const OpenRemote& remote,
                                   Progress& progress) {
  const Work work(progress, "pulling");
  const CheckpointId id = REPRISE_PASS(find_there(node.store, subject, remote));
  transfer::Pulled pulled =
      REPRISE_PASS(transfer::pull_checkpoint(node.store, id, *remote.objects, told_to(progress)));
  REPRISE_TRY(enter(catalog, pulled), "entering checkpoint '" + id.str() + "' in the catalog");
  REPRISE_PASS(catalog.note_copy({.checkpoint = id, .remote = remote.name, .uploading = false}));
  return pulled;
}

Result<transfer::Pulled> pull(const Node& node, const std::string& subject,
                              const std::string& remote, Progress& progress) {
  const OpenRemote from = REPRISE_PASS(open_named(node, remote));
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(node.store));
  return pull_from(node, catalog, subject, from, progress);
}

}  // namespace reprise::operations
