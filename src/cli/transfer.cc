// SPDX-License-Identifier: Apache-2.0
#include "cli/transfer.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "cli/output.h"
#include "operations/containers.h"
#include "operations/remote_note.h"
#include "podman/client.h"
#include "store/open_catalog.h"

namespace reprise::cli {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

Result<config::Remote> find_remote(const config::Config& config, const std::string& wanted) {
  if (!wanted.empty()) return config.remote(wanted);
  if (config.remotes.size() == 1) return config.remotes.front();
  if (config.remotes.empty()) return config.remote("");
  std::string names;
  for (const config::Remote& one : config.remotes) names += (names.empty() ? "" : ", ") + one.name;
  return std::unexpected(Error(ErrorCode::kInvalidInput, "there is more than one remote")
                             .with_hint("name one of: " + names));
}

std::string place_of(const remote::RemoteConfig& access) {
  std::string place = access.url;
  while (place.ends_with('/')) place.pop_back();
  return access.endpoint.empty() ? place : place + " at " + access.endpoint;
}

// The container behind a checkpoint, without which nobody could make it again elsewhere.
Result<std::string> note_of(catalog::Catalog& catalog, const catalog::CheckpointRow& checkpoint) {
  auto row = REPRISE_PASS(catalog.container(checkpoint.key));
  // Of one that plain Podman ran and stopped we have seen too little; Podman still knows it.
  if (!row || row->create_command.empty())
    if (const auto info = REPRISE_PASS(operations::container_with(catalog, checkpoint.key)))
      if (operations::record_container(catalog, *info))
        row = REPRISE_PASS(catalog.container(checkpoint.key));
  if (!row && checkpoint.tag.empty()) return "";
  return encode(operations::RemoteNote{.tag = checkpoint.tag, .container = std::move(row)});
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
    const auto note = text ? operations::decode_remote_note(*text) : std::unexpected(text.error());
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
  const operations::RemoteNote note = REPRISE_PASS(operations::decode_remote_note(pulled.note));
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

}  // namespace

Result<OpenRemote> open_named(const Context& context, const std::string& wanted) {
  if (wanted.contains("://")) {
    const remote::RemoteConfig access{.url = wanted};
    auto objects = REPRISE_PASS(remote::open_remote(access));
    return OpenRemote{.name = wanted, .place = place_of(access), .objects = std::move(objects)};
  }
  const config::Config config = REPRISE_PASS(context.config);
  const config::Remote found = REPRISE_PASS(find_remote(config, wanted));
  const std::string step = "opening the remote '" + found.name + "'";
  const remote::RemoteConfig access = REPRISE_TRY(config::access_of(found), step);
  auto objects = REPRISE_TRY(remote::open_remote(access), step);
  return OpenRemote{.name = found.name, .place = place_of(access), .objects = std::move(objects)};
}

Result<OpenRemote> open_to_change(const Context& context, const std::string& wanted) {
  if (wanted.empty()) return fail(ErrorCode::kInvalidInput, "--remote names no remote");
  OpenRemote remote = REPRISE_PASS(open_named(context, wanted));
  if (!remote.place.starts_with("https://")) return remote;
  return std::unexpected(
      Error(ErrorCode::kUnsupported,
            "'" + remote.name + "' is another node's store, and can only be read")
          .with_hint("run the command on that node, without --remote"));
}

std::vector<std::string> names_of(const Context& context, const OpenRemote& remote) {
  std::vector<std::string> names{remote.name};
  if (remote.place != remote.name) names.push_back(remote.place);
  if (!context.config) return names;
  for (const config::Remote& one : context.config->remotes) {
    const bool other = one.name != remote.name && place_of(one.access) == remote.place;
    if (!other) continue;
    names.push_back(one.name);
  }
  return names;
}

Result<std::string> make_note(const store::StoreConfig& config, const std::string& name) {
  const CheckpointId id = REPRISE_PASS(transfer::note_owner(name));
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(config));
  const catalog::CheckpointRow row = REPRISE_PASS(catalog.find_checkpoint(id.str()));
  const std::string note = REPRISE_PASS(note_of(catalog, row));
  if (row.id != id || note.empty())
    return fail(ErrorCode::kNotFound, "there is no note of '" + id.str() + "'");
  return transfer::seal_note(config, id, note);
}

Result<transfer::Pushed> push(const Context& context, catalog::Catalog& catalog,
                              const catalog::CheckpointRow& checkpoint, const OpenRemote& remote,
                              const transfer::TransferProgress& progress) {
  const std::string note = REPRISE_PASS(note_of(catalog, checkpoint));
  catalog::Copy copy{.checkpoint = checkpoint.id, .remote = remote.name, .uploading = true};
  REPRISE_PASS(catalog.note_copy(copy));
  const transfer::Pushed pushed = REPRISE_PASS(transfer::push_checkpoint(
      context.node.store, checkpoint.id, note, *remote.objects, progress));
  copy.uploading = false;
  REPRISE_PASS(catalog.note_copy(copy));
  return pushed;
}

Result<transfer::Pulled> pull(const Context& context, catalog::Catalog& catalog,
                              const std::string& subject, const OpenRemote& remote,
                              const transfer::TransferProgress& progress) {
  const CheckpointId id = REPRISE_PASS(find_there(context.node.store, subject, remote));
  transfer::Pulled pulled =
      REPRISE_PASS(transfer::pull_checkpoint(context.node.store, id, *remote.objects, progress));
  REPRISE_TRY(enter(catalog, pulled), "entering checkpoint '" + id.str() + "' in the catalog");
  REPRISE_PASS(catalog.note_copy({.checkpoint = id, .remote = remote.name, .uploading = false}));
  return pulled;
}

transfer::TransferProgress line_of_bytes(operations::Progress& progress) {
  return [&progress](std::uint64_t done, std::uint64_t all) -> Result<void> {
    progress.bytes(done, all);
    progress.tick();
    return {};
  };
}

std::string places_of(const std::vector<catalog::Copy>& copies, const CheckpointId& id) {
  std::string places = "local";
  for (const catalog::Copy& copy : copies)
    if (copy.checkpoint == id)
      places += ", " + copy.remote + (copy.uploading ? " (uploading)" : "");
  return places;
}

Json copies_json(const std::vector<catalog::Copy>& copies, const CheckpointId& id) {
  Json list = Json::array();
  for (const catalog::Copy& copy : copies)
    if (copy.checkpoint == id)
      list.push_back({{"remote", copy.remote}, {"state", copy.uploading ? "uploading" : "there"}});
  return list;
}

}  // namespace reprise::cli
