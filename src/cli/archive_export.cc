// SPDX-License-Identifier: Apache-2.0
#include "cli/archive_export.h"

#include "base/scope_exit.h"
#include "image/digest.h"
#include "operations/clone_command.h"
#include "operations/clone_volumes.h"
#include "operations/containers.h"
#include "podman/client.h"
#include "podman/container_config.h"
#include "store/open_catalog.h"

namespace reprise::cli {

using base::ErrorCode;

namespace {

// Podman's record of a container that is gone: of one that is made as it was made, never started,
// and removed at once, with the volumes that came with it.
Result<std::string> config_of_a_new_one(Context& context, catalog::Catalog& catalog,
                                        const catalog::CheckpointRow& checkpoint) {
  const std::string name = "reprise-export-" + base::random_id();
  const operations::CloneCommand command = REPRISE_PASS(
      operations::clone_command(REPRISE_PASS(operations::find_record(catalog, checkpoint)),
                                {.name = name}, checkpoint.id, {}));
  const auto volumes_before = REPRISE_PASS(podman::list_volumes());
  const std::string id = podman::last_line(REPRISE_TRY(
      podman::run_ok(command.argv), "making its container once more, to learn how Podman sees it"));
  std::vector<std::string> made_volumes;
  const auto remove = [&](const std::vector<std::string>& argv) {
    if (const auto removed = podman::run_ok(argv); !removed)
      context.io.err << "warning: what was made to learn how Podman sees it could not be removed: "
                     << removed.error().message() << '\n';
  };
  const base::ScopeExit clean_up([&] {
    remove({"podman", "rm", "--force", "--time", "0", "--", id});
    for (const std::string& volume : made_volumes) remove({"podman", "volume", "rm", "--", volume});
  });
  made_volumes = operations::new_volumes(REPRISE_PASS(podman::inspect(id)), volumes_before);
  return podman::load_container_config(id);
}

Result<std::string> container_config(Context& context, catalog::Catalog& catalog,
                                     const catalog::CheckpointRow& checkpoint) {
  if (const auto info = REPRISE_PASS(operations::container_with(catalog, checkpoint.key))) {
    auto config = podman::load_container_config(info->id);
    if (config || config.error().code() != ErrorCode::kNotFound) return config;
  }
  return config_of_a_new_one(context, catalog, checkpoint);
}

// An id that Podman takes, also for a checkpoint whose container had none: 64 hex digits.
std::string exported_id(const image::Manifest& manifest) {
  constexpr std::size_t kLength = 64;
  const std::string& id = manifest.container.str();
  if (id.size() == kLength && id.find_first_not_of("0123456789abcdef") == id.npos) return id;
  return image::digest_of(manifest.key.str()) + image::digest_of(manifest.id.str());
}

}  // namespace

Result<PreparedExport> prepare_export(Context& context, const std::string& checkpoint) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(context.node.store));
  const catalog::CheckpointRow row = REPRISE_PASS(catalog.find_checkpoint(checkpoint));
  PreparedExport prepared;
  prepared.store = REPRISE_PASS(store::open_store(context.node.store));
  prepared.reader = REPRISE_PASS(prepared.store->open(row.id));
  REPRISE_PASS(prepared.store->verify(row.id));
  const image::Manifest& manifest = prepared.reader->manifest();
  const std::string config = REPRISE_PASS(container_config(context, catalog, row));
  prepared.dump = REPRISE_PASS(
      archive::make_podman_dump(config, {.id = exported_id(manifest),
                                         .name = manifest.name.empty() ? row.name : manifest.name,
                                         .addresses = manifest.addresses}));
  return prepared;
}

void print_volumes_left_out(const PreparedExport& prepared, std::ostream& err) {
  for (const std::string& volume : prepared.dump.named_volumes)
    err << "note: volume '" << volume
        << "' is not in the archive; Podman needs --ignore-volumes then\n";
}

}  // namespace reprise::cli
