// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/archive_export.h"
#include "cli/archive_file.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "session/archive_export.h"

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

// Returns how many bytes the archive has.
Result<std::uint64_t> export_to(ArchiveOutput& output, const PreparedExport& prepared,
                                const Options& options, Context& context) {
  const operations::Work work(context.progress, "exporting");
  ByteProgress progress(context.progress);
  const archive::WriteBytes write = archive::write_to(output.fd());
  const auto counted = [&](std::span<const char> data) {
    progress.add(data.size());
    return write(data);
  };
  REPRISE_PASS(
      session::export_archive(*prepared.reader, {.sink = counted,
                                                 .compression = compression_of(options.compression),
                                                 .dump = prepared.dump}));
  REPRISE_PASS(output.commit());
  return progress.bytes();
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
  ArchiveOutput output = REPRISE_TRY(ArchiveOutput::create(options.file), cannot);
  const PreparedExport prepared = REPRISE_TRY(prepare_export(context, options.checkpoint), cannot);
  const std::uint64_t bytes = REPRISE_TRY(export_to(output, prepared, options, context), cannot);
  print_volumes_left_out(prepared, context.io.err);
  print(options, bytes, context);
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CHECKPOINT", options->checkpoint, "id, unique beginning of one, or tag")
      .required();
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
