// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/checkpoint/archive_notes.h"
#include "cli/checkpoint/archive_stream.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/transfer/export.h"

namespace reprise::cli {
namespace {

struct Options {
  std::string checkpoint;
  std::string file;
  std::string compression = "zstd";
  bool json = false;
};

archive::Compression compression_of(const std::string& name) {
  if (name == "none") return archive::Compression::kNone;
  return name == "gzip" ? archive::Compression::kGzip : archive::Compression::kZstd;
}

void print(const Options& options, std::uint64_t bytes, Context& context) {
  // Standard output is the archive.
  if (options.file == kStandardStream) return;
  if (options.json) {
    print_json(context.io.out, {{"file", options.file}, {"bytes", bytes}});
    return;
  }
  context.io.out << options.file << ": " << format_bytes(bytes)
                 << "; 'podman container restore --tcp-established --file-locks --import "
                 << options.file << "' restores it\n";
}

Result<int> run(const Options& options, Context& context) {
  const std::string cannot = "cannot export '" + options.checkpoint + "'";
  operations::ArchiveOutput output = REPRISE_TRY(create_archive(options.file), cannot);
  const operations::Exported exported = REPRISE_TRY(
      operations::export_checkpoint(context.node, options.checkpoint,
                                    compression_of(options.compression), output, context.progress),
      cannot);
  print_volumes_left_out(context, exported.volumes_left_out);
  print(options, exported.bytes, context);
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CHECKPOINT", options->checkpoint, kNamedCheckpoint).required();
  arguments.add_option("FILE", options->file, "where to; '-' is standard output").required();
  arguments.add_option("--compress", options->compression, "none, gzip or zstd")
      .one_of({"none", "gzip", "zstd"})
      .show_default();
  arguments.add_flag("--json", options->json, "print JSON (not with '-')");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

constinit const Command kCheckpointExport = {
    .path = "checkpoint export",
    .summary = "Write a checkpoint as an archive of Podman's",
    .details =
        R"(The archive is that of 'podman container checkpoint --export': 'podman container restore --import'
makes a container run from it, with runc and on any host that has the image, with or without
Reprise. Give Podman --tcp-established and --file-locks, since Reprise saves both. Volumes are not
in it. Every byte of the checkpoint is verified first; it is then streamed, and FILE appears only
when it is complete.

Example:
  reprise checkpoint export before-upgrade counter.tar.zst
  reprise checkpoint export before-upgrade - | ssh there reprise checkpoint import -)",
    .configure = configure,
};

}  // namespace reprise::cli
