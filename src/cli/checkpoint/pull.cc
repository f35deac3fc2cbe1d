// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/checkpoint/archive_notes.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/transfer/image_transfer.h"
#include "operations/transfer/transfer.h"

namespace reprise::cli {
namespace {

struct Options {
  std::string checkpoint;
  std::string remote;
  bool json = false;
};

Result<int> run(const Options& options, Context& context) {
  if (exchange::is_oci_place(options.checkpoint)) {
    const auto imported =
        REPRISE_TRY(operations::pull_image(context.node, options.checkpoint, context.progress),
                    "cannot pull '" + options.checkpoint + "'");
    print_imported(imported, options.json, context);
    return kDone;
  }
  const transfer::Pulled pulled = REPRISE_TRY(
      operations::pull(context.node, options.checkpoint, options.remote, context.progress),
      "cannot pull '" + options.checkpoint + "'");
  const std::string& id = pulled.manifest.id.str();
  if (options.json)
    print_json(context.io.out,
               {{"checkpoint", id}, {"blocks", pulled.blocks}, {"bytes", pulled.bytes}});
  else
    context.io.out << id << ": here, " << format_bytes(pulled.bytes) << " fetched\n";
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments
      .add_option("CHECKPOINT", options->checkpoint,
                  "id, unique beginning of one, tag, or name of a container, which stands for its "
                  "newest; or oci:DIRECTORY[:TAG] or oci-archive:FILE[:TAG]")
      .required();
  arguments.add_option(
      "REMOTE", options->remote,
      "name of a remote, or a URL; the one that is configured if there is only one");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

constinit const Command kCheckpointPull = {
    .path = "checkpoint pull",
    .summary = "Fetch a checkpoint from a remote",
    .details =
        R"(Only what no checkpoint here holds is fetched, and all of it verified. What another
store pushed needs that store's key file in the directory of other keys, /etc/reprise/store.key.d
(docs/remotes.md has the steps). The container's image must be on this host to restore it.
'reprise checkpoint ls --remote REMOTE' lists what is there.

oci:DIRECTORY[:TAG] is an image of an OCI image layout, oci-archive:FILE[:TAG] one of an archive of a
layout, that Podman, the kubelet's tools or 'checkpoint push' made of a checkpoint; it is taken as
'checkpoint import' takes an archive.

Example:
  reprise checkpoint pull c2x0 depot
  reprise checkpoint pull oci:/srv/images:counter)",
    .configure = configure,
};

}  // namespace reprise::cli
