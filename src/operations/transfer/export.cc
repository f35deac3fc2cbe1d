// SPDX-License-Identifier: Apache-2.0
#include "operations/transfer/export.h"

#include "base/scope_exit.h"
#include "exchange/archive_export.h"
#include "image/digest.h"
#include "operations/container/clone_command.h"
#include "operations/container/clone_volumes.h"
#include "operations/container/containers.h"
#include "operations/container/named_checkpoint.h"
#include "podman/client.h"
#include "podman/container_config.h"
#include "store/open_catalog.h"
#include "sys/child.h"

namespace reprise::operations {

using base::ErrorCode;
using base::Result;

namespace {

// Podman's record of a container that is gone: of one that is made as it was made, never started,
// and removed at once, with the volumes that came with it.
Result<std::string> config_of_a_new_one(catalog::Catalog& catalog,
                                        const catalog::CheckpointRow& checkpoint,
                                        Progress& progress) {
  const std::string name = "reprise-export-" + base::random_id();
  const CloneCommand command = REPRISE_PASS(clone_command(
      REPRISE_PASS(find_record(catalog, checkpoint)), {.name = name}, checkpoint.id, {}));
  const auto volumes_before = REPRISE_PASS(podman::list_volumes());
  const std::string id = sys::last_line(REPRISE_TRY(
      podman::run_ok(command.argv), "making its container once more, to learn how Podman sees it"));
  std::vector<std::string> made_volumes;
  const auto remove = [&](const std::vector<std::string>& argv) {
    if (const auto removed = podman::run_ok(argv); !removed)
      progress.warn("what was made to learn how Podman sees it could not be removed: " +
                        removed.error().message(),
                    "");
  };
  const base::ScopeExit clean_up([&] {
    remove({"podman", "rm", "--force", "--time", "0", "--", id});
    for (const std::string& volume : made_volumes) remove({"podman", "volume", "rm", "--", volume});
  });
  made_volumes = new_volumes(REPRISE_PASS(podman::inspect(id)), volumes_before);
  return podman::load_container_config(id);
}

Result<std::string> container_config(catalog::Catalog& catalog,
                                     const catalog::CheckpointRow& checkpoint, Progress& progress) {
  if (const auto info = REPRISE_PASS(container_with(catalog, checkpoint.key))) {
    auto config = podman::load_container_config(info->id);
    if (config || config.error().code() != ErrorCode::kNotFound) return config;
  }
  return config_of_a_new_one(catalog, checkpoint, progress);
}

// An id that Podman takes, also for a checkpoint whose container had none: 64 hex digits.
std::string exported_id(const image::Manifest& manifest) {
  constexpr std::size_t kLength = 64;
  const std::string& id = manifest.container.str();
  if (id.size() == kLength && id.find_first_not_of("0123456789abcdef") == id.npos) return id;
  return image::digest_of(manifest.key.str()) + image::digest_of(manifest.id.str());
}

}  // namespace

Result<PreparedExport> prepare_export(const Node& node, const std::string& checkpoint,
                                      Progress& progress) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node.store));
  const catalog::CheckpointRow row = REPRISE_PASS(find_named_checkpoint(catalog, checkpoint));
  PreparedExport prepared;
  prepared.store = REPRISE_PASS(store::open_store(node.store));
  prepared.reader = REPRISE_PASS(prepared.store->open(row.id));
  REPRISE_PASS(prepared.store->verify(row.id));
  const image::Manifest& manifest = prepared.reader->manifest();
  const std::string config = REPRISE_PASS(container_config(catalog, row, progress));
  prepared.dump = REPRISE_PASS(
      archive::make_podman_dump(config, {.id = exported_id(manifest),
                                         .name = manifest.name.empty() ? row.name : manifest.name,
                                         .addresses = manifest.addresses}));
  return prepared;
}

Result<Exported> export_checkpoint(const Node& node, const std::string& checkpoint,
                                   archive::Compression compression, ArchiveOutput& output,
                                   Progress& progress) {
  PreparedExport prepared = REPRISE_PASS(prepare_export(node, checkpoint, progress));
  const Work work(progress, "exporting");
  ByteProgress counter(progress);
  const archive::WriteBytes write = archive::write_to(output.fd());
  const auto counted = [&](std::span<const char> data) {
    counter.add(data.size());
    return write(data);
  };
  REPRISE_PASS(exchange::export_archive(
      *prepared.reader, {.sink = counted, .compression = compression, .dump = prepared.dump}));
  REPRISE_PASS(output.commit());
  return Exported{.bytes = counter.bytes(),
                  .volumes_left_out = std::move(prepared.dump.named_volumes)};
}

}  // namespace reprise::operations
