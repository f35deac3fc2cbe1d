// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "cli/checkpoint/copies.h"
#include "cli/command.h"
#include "cli/container/filling.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/container/containers.h"
#include "operations/store/checkpoint_list.h"

namespace reprise::cli {
namespace {

struct Options {
  std::string checkpoint;
  bool json = false;
};

std::string joined(const std::vector<std::string>& parts) {
  std::string result;
  for (const std::string& part : parts) result += (result.empty() ? "" : ", ") + part;
  return result.empty() ? "-" : result;
}

void print(std::ostream& out, const catalog::CheckpointRow& row, const image::Manifest& manifest,
           const Elsewhere& elsewhere) {
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"checkpoint", row.id.str()},
      {"tag", row.tag.empty() ? "-" : row.tag},
      {"pinned", row.pinned ? "yes" : "-"},
      {"container", row.name + " (" + operations::short_id(manifest.container.str()) + ")"},
      {"trigger", std::string(image::to_string(row.trigger))},
      {"taken", base::to_iso8601(row.created) + " (" +
                    base::to_age(row.created, base::now_unix_millis()) + " ago)"},
      {"then", row.ended ? "the container ended" : "the container ran on"},
      {"next start", row.pending ? "continues from it" : "-"},
      {"where", places_of(elsewhere, row.id)},
      {"frozen", format_duration(row.freeze_ms)},
      {"size",
       format_bytes(row.bytes) + ", of which memory " + format_bytes(image::memory_kept(manifest))},
      {"stored", row.stored_bytes ? format_bytes(*row.stored_bytes) : "-"},
      {"CPU time", format_duration(row.cpu_time_us / 1000)},
      {"addresses", joined(manifest.addresses)},
      {"mounts", joined(manifest.mounts)},
      {"made with", "CRIU " + manifest.criu_version + ", " + manifest.runtime_version +
                        ", kernel " + manifest.kernel},
      {"session", manifest.parent_session},
      {"files", std::to_string(manifest.files.size())},
  };
  for (auto [label, value] : lines) {
    label.resize(12, ' ');
    out << label << value << '\n';
  }
}

Json details(const catalog::CheckpointRow& row, const image::Manifest& manifest) {
  Json result = to_json(row);
  result["session"] = manifest.parent_session;
  result["memory_bytes"] = image::memory_kept(manifest);
  result["runtime_version"] = manifest.runtime_version;
  result["criu_version"] = manifest.criu_version;
  result["kernel"] = manifest.kernel;
  result["addresses"] = manifest.addresses;
  result["mounts"] = manifest.mounts;
  Json files = Json::array();
  for (const image::ManifestFile& file : manifest.files)
    files.push_back({{"name", file.name}, {"bytes", file.bytes}});
  result["files"] = std::move(files);
  return result;
}

Result<int> run(const Options& options, Context& context) {
  const auto [row, manifest, copies, failing] =
      REPRISE_TRY(operations::describe_checkpoint(context.node, options.checkpoint),
                  "cannot show '" + options.checkpoint + "'");
  const Elsewhere elsewhere{.copies = copies, .failing = failing};
  if (!failing.empty()) print_failing_uploads(context);
  const auto fillings = find_fillings(context, [&id = row.id](const host::WorkerRequest& request) {
    return request.restore().checkpoint == id;
  });
  if (!options.json) {
    print(context.io.out, row, manifest, elsewhere);
    print_fillings(context.io.out, fillings);
    return kDone;
  }
  Json shown = details(row, manifest);
  shown["filling"] = to_json(fillings);
  shown["copies"] = copies_json(elsewhere, row.id);
  print_json(context.io.out, {{"checkpoint", std::move(shown)}});
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CHECKPOINT", options->checkpoint, kNamedCheckpoint).required();
  arguments.add_flag("--json", options->json, "print JSON, with all files");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

constinit const Command kCheckpointShow = {
    .path = "checkpoint show",
    .summary = "Show what a checkpoint is and holds",
    .details = R"(Example:
  reprise checkpoint show before-upgrade)",
    .configure = configure,
};

}  // namespace reprise::cli
