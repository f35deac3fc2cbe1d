// SPDX-License-Identifier: Apache-2.0
#include "cli/oci_transfer.h"

#include <map>
#include <nlohmann/json.hpp>

#include "cli/archive_export.h"
#include "cli/archive_file.h"
#include "cli/archive_import.h"
#include "image/json_text.h"
#include "session/archive_export.h"

namespace reprise::cli {
namespace {

// Names: Podman's libpod/define/annotations.go. By that of the runtime it knows the image of a
// checkpoint, and refuses to restore it with another one.
std::map<std::string, std::string> annotations_of(const PreparedExport& prepared) {
  const std::string prefix = "io.podman.annotations.checkpoint.";
  const auto config = nlohmann::json::parse(prepared.dump.config, nullptr, false);
  const auto text = [&](const char* field) { return image::text_in(config, field); };
  const image::Manifest& manifest = prepared.reader->manifest();
  std::map<std::string, std::string> annotations{
      {prefix + "name", text("name")},
      {prefix + "rawImageName", text("rawImageName")},
      {prefix + "rootfsImageID", text("rootfsImageID")},
      {prefix + "rootfsImageName", text("rootfsImageName")},
      {prefix + "criu.version", manifest.criu_version},
      {prefix + "runtime.name", text("runtime")},
      {prefix + "runtime.version", manifest.runtime_version},
      {prefix + "host.kernel", manifest.kernel}};
  std::erase_if(annotations, [](const auto& entry) { return entry.second.empty(); });
  return annotations;
}

}  // namespace

Result<session::OciWritten> push_to_layout(Context& context, const std::string& checkpoint,
                                           const std::string& place) {
  const session::OciPlace to = REPRISE_PASS(session::parse_oci_place(place));
  const PreparedExport prepared = REPRISE_PASS(prepare_export(context, checkpoint));
  Progress line(context.io, "pushing");
  ByteProgress progress(line);
  const auto write_layer = [&](const archive::WriteBytes& sink) {
    const auto counted = [&](std::span<const char> data) {
      progress.add(data.size());
      return sink(data);
    };
    return session::export_archive(
        *prepared.reader,
        {.sink = counted, .compression = archive::Compression::kNone, .dump = prepared.dump});
  };
  auto written = REPRISE_PASS(session::write_oci_image(to, annotations_of(prepared), write_layer));
  print_volumes_left_out(prepared, context.io.err);
  return written;
}

Result<session::ImportedCheckpoint> pull_from_layout(Context& context, const std::string& place) {
  const session::OciPlace from = REPRISE_PASS(session::parse_oci_place(place));
  const sys::UniqueFd layer = REPRISE_PASS(session::open_oci_layer(from));
  return import_from(archive::read_from(layer.get()), "", context);
}

}  // namespace reprise::cli
