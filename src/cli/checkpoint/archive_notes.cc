// SPDX-License-Identifier: Apache-2.0
#include "cli/checkpoint/archive_notes.h"

#include "archive/entry_name.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/transfer/import.h"

namespace reprise::cli {
namespace {

void print_notes(const exchange::ImportedCheckpoint& imported, std::ostream& err) {
  for (const std::string& volume : imported.left_out)
    err << "note: " << archive::in_ticks(volume) << " was left out: volumes are not imported\n";
  for (const std::string& mount : operations::mounts_to_give(imported.wishes))
    err << "note: its container had something mounted at '" << mount
        << "'; give it at the restore: -- --volume HOST:" << mount << '\n';
  if (imported.wishes.host_network)
    err << "note: its container used the host's network; if it is to have that again, give it at "
           "the restore: -- --network host\n";
}

}  // namespace

void print_imported(const exchange::ImportedCheckpoint& imported, bool json, Context& context) {
  const image::Manifest& manifest = imported.manifest;
  const std::uint64_t bytes = image::bytes_of(manifest);
  if (json)
    print_json(context.io.out, {{"checkpoint", manifest.id.str()},
                                {"name", manifest.name},
                                {"image", imported.wishes.image_name},
                                {"bytes", bytes},
                                {"mounts", operations::mounts_to_give(imported.wishes)}});
  else
    context.io.out << manifest.id.str() << ": imported, container '" << manifest.name
                   << "' of image '" << imported.wishes.image_name << "', " << format_bytes(bytes)
                   << '\n';
  print_notes(imported, context.io.err);
}

void print_volumes_left_out(Context& context, const std::vector<std::string>& volumes) {
  for (const std::string& volume : volumes)
    context.io.err << "note: volume '" << volume
                   << "' is not in the archive; Podman needs --ignore-volumes then\n";
}

}  // namespace reprise::cli
