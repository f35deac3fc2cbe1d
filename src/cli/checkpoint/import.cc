// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/checkpoint/archive_notes.h"
#include "cli/checkpoint/archive_stream.h"
#include "cli/command.h"
#include "operations/transfer/import.h"

namespace reprise::cli {
namespace {

struct Options {
  std::string file;
  std::string tag;
  bool json = false;
};

Result<exchange::ImportedCheckpoint> import(const Options& options, Context& context) {
  const sys::UniqueFd fd = REPRISE_PASS(open_archive(options.file));
  return operations::import_checkpoint(context.node, archive::read_from(fd.get()), options.tag,
                                       context.progress);
}

Result<int> run(const Options& options, Context& context) {
  const exchange::ImportedCheckpoint imported =
      REPRISE_TRY(import(options, context), "cannot import '" + options.file + "'");
  print_imported(imported, options.json, context);
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("FILE", options->file, "the archive; '-' is standard input").required();
  arguments.add_option("--tag", options->tag, "a name for the checkpoint");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

constinit const Command kCheckpointImport = {
    .path = "checkpoint import",
    .summary = "Make a checkpoint from an archive of Podman's or the kubelet's",
    .details =
        R"(Takes what 'podman container checkpoint --export', the kubelet's checkpoint API (with containerd or
CRI-O) and 'reprise checkpoint export' make, compressed with gzip, zstd or not at all. The image
must be on this host. 'reprise restore CHECKPOINT' then makes a container from it.

Of the archive only processes, memory and files are taken, and image and command: mounts, devices,
networks, limits and rights of the new container are Podman's defaults, and what is given to
'reprise restore'. Archives that are damaged, or that try to reach beyond their place, are refused
as a whole. All the same, restoring a checkpoint runs a program that was chosen by whoever made it.

Example:
  reprise checkpoint import counter.tar.zst --tag from-afar)",
    .configure = configure,
};

}  // namespace reprise::cli
