// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "base/scope_exit.h"
#include "cli/archive_file.h"
#include "cli/clone_command.h"
#include "cli/clone_volumes.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "image/digest.h"
#include "podman/client.h"
#include "podman/container_config.h"
#include "session/archive_export.h"

namespace reprise::cli {
namespace {

using base::ErrorCode;

struct Options {
  std::string checkpoint;
  std::string file;
  std::string compression = "zstd";
  bool json = false;
};

// Podman's record of a container that is gone: of one that is made as it was made, never started,
// and removed at once, with the volumes that came with it.
Result<std::string> config_of_a_new_one(Context& context, store::Catalog& catalog,
                                        const store::CheckpointRow& checkpoint) {
  const std::string name = "reprise-export-" + base::random_id();
  const CloneCommand command = REPRISE_PASS(clone_command(
      REPRISE_PASS(find_record(catalog, checkpoint)), {.name = name}, checkpoint.id, {}));
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
  made_volumes = new_volumes(REPRISE_PASS(podman::inspect(id)), volumes_before);
  return podman::load_container_config(id);
}

Result<std::string> container_config(Context& context, store::Catalog& catalog,
                                     const store::CheckpointRow& checkpoint) {
  auto config = podman::load_container_config(checkpoint.key.str());
  if (config || config.error().code() != ErrorCode::kNotFound) return config;
  return config_of_a_new_one(context, catalog, checkpoint);
}

// An id that Podman takes, also for a checkpoint whose container had none: 64 hex digits.
std::string exported_id(const image::Manifest& manifest) {
  constexpr std::size_t kLength = 64;
  const std::string& id = manifest.container.str();
  if (id.size() == kLength && id.find_first_not_of("0123456789abcdef") == id.npos) return id;
  return image::digest_of(manifest.key.str()) + image::digest_of(manifest.id.str());
}

archive::Compression compression_of(const std::string& name) {
  if (name == "none") return archive::Compression::kNone;
  return name == "gzip" ? archive::Compression::kGzip : archive::Compression::kZstd;
}

struct Exported {
  std::uint64_t bytes = 0;
  std::vector<std::string> named_volumes;
};

Result<Exported> export_to(ArchiveOutput& output, const Options& options, Context& context) {
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(context.layout.store));
  const store::CheckpointRow row = REPRISE_PASS(catalog.find_checkpoint(options.checkpoint));
  const auto checkpoints = REPRISE_PASS(store::open_store(context.layout.store));
  const auto reader = REPRISE_PASS(checkpoints->open(row.id));
  REPRISE_PASS(checkpoints->verify(row.id));
  const image::Manifest& manifest = reader->manifest();
  const archive::PodmanDump dump = REPRISE_PASS(
      archive::make_podman_dump(REPRISE_PASS(container_config(context, catalog, row)),
                                {.id = exported_id(manifest),
                                 .name = manifest.name.empty() ? row.name : manifest.name,
                                 .addresses = manifest.addresses}));
  Progress line(context.io, "exporting");
  ByteProgress progress(line);
  const archive::WriteBytes write = archive::write_to(output.fd());
  const auto counted = [&](std::span<const char> data) {
    progress.add(data.size());
    return write(data);
  };
  REPRISE_PASS(session::export_archive(
      *reader,
      {.sink = counted, .compression = compression_of(options.compression), .dump = dump}));
  REPRISE_PASS(output.commit());
  return Exported{.bytes = progress.bytes(), .named_volumes = dump.named_volumes};
}

void print(const Options& options, const Exported& exported, Context& context) {
  for (const std::string& volume : exported.named_volumes)
    context.io.err << "note: volume '" << volume
                   << "' is not in the archive; Podman needs --ignore-volumes then\n";
  // Standard output is the archive.
  if (options.file == kStandardStream) return;
  if (options.json) {
    print_json(context.io.out, {{"file", options.file}, {"bytes", exported.bytes}});
    return;
  }
  context.io.out << options.file << ": " << format_bytes(exported.bytes)
                 << "; 'podman container restore --tcp-established --file-locks --import "
                 << options.file << "' restores it\n";
}

Result<int> run(const Options& options, Context& context) {
  const std::string cannot = "cannot export '" + options.checkpoint + "'";
  ArchiveOutput output = REPRISE_TRY(ArchiveOutput::create(options.file), cannot);
  const Exported exported = REPRISE_TRY(export_to(output, options, context), cannot);
  print(options, exported, context);
  return kDone;
}

Runner configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("CHECKPOINT", options->checkpoint, "id, unique beginning of one, or tag")
      ->required();
  app.add_option("FILE", options->file, "where to; '-' is standard output")->required();
  app.add_option("--compress", options->compression, "none, gzip or zstd")
      ->check(CLI::IsMember({"none", "gzip", "zstd"}))
      ->capture_default_str();
  app.add_flag("--json", options->json, "print JSON (not with '-')");
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
