// SPDX-License-Identifier: Apache-2.0
#include "operations/transfer/image_transfer.h"

#include <map>
#include <nlohmann/json.hpp>

#include "base/scope_exit.h"
#include "exchange/archive_export.h"
#include "exchange/oci_archive.h"
#include "json/reader.h"
#include "operations/transfer/archive_file.h"
#include "operations/transfer/export.h"
#include "operations/transfer/import.h"
#include "sys/files.h"

namespace reprise::operations {

using base::Result;

namespace {

// Names: Podman's libpod/define/annotations.go. By that of the runtime it knows the image of a
// checkpoint, and refuses to restore it with another one.
std::map<std::string, std::string> annotations_of(const PreparedExport& prepared) {
  const std::string prefix = "io.podman.annotations.checkpoint.";
  const auto config = json_reader::parse_or_discarded(prepared.dump.config);
  const auto text = [&](const char* field) { return json_reader::text_in(config, field); };
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

Result<exchange::OciWritten> add_to_layout(const PreparedExport& prepared,
                                           const exchange::OciPlace& layout,
                                           ByteProgress& progress) {
  const auto write_layer = [&](const archive::WriteBytes& sink) {
    const auto counted = [&](std::span<const char> data) {
      progress.add(data.size());
      return sink(data);
    };
    return exchange::export_archive(
        *prepared.reader,
        {.sink = counted, .compression = archive::Compression::kNone, .dump = prepared.dump});
  };
  return exchange::write_oci_image(layout, annotations_of(prepared), write_layer);
}

// A member's size stands before it in an archive, and that of the layer is known when it was
// written. So a layout is made beside the archive, which is named like it: what a killed process
// left there is removed by the next one.
Result<exchange::OciWritten> make_archive(const PreparedExport& prepared,
                                          const exchange::OciPlace& archive,
                                          ByteProgress& progress) {
  ArchiveOutput output = REPRISE_PASS(ArchiveOutput::create(archive.path));
  const std::filesystem::path layout = archive.path.string() + ".partial.layout";
  REPRISE_PASS(sys::remove_tree(layout));
  const base::ScopeExit removes([&] { (void)sys::remove_tree(layout); });
  REPRISE_PASS(sys::make_directories(layout));
  auto written = REPRISE_PASS(
      add_to_layout(prepared, {.path = layout, .tag = archive.tag, .is_archive = false}, progress));
  REPRISE_PASS(exchange::write_oci_archive(layout, archive::write_to(output.fd())));
  REPRISE_PASS(output.commit());
  return written;
}

}  // namespace

Result<PushedImage> push_image(const Node& node, const std::string& checkpoint,
                               const std::string& place, Progress& progress) {
  const exchange::OciPlace to = REPRISE_PASS(exchange::parse_oci_place(place));
  PreparedExport prepared = REPRISE_PASS(prepare_export(node, checkpoint, progress));
  const Work work(progress, "pushing");
  ByteProgress counter(progress);
  auto written = REPRISE_PASS(to.is_archive ? make_archive(prepared, to, counter)
                                            : add_to_layout(prepared, to, counter));
  return PushedImage{.written = std::move(written),
                     .volumes_left_out = std::move(prepared.dump.named_volumes)};
}

Result<exchange::ImportedCheckpoint> pull_image(const Node& node, const std::string& place,
                                                Progress& progress) {
  const exchange::OciPlace from = REPRISE_PASS(exchange::parse_oci_place(place));
  if (from.is_archive)
    return import_checkpoint(node, REPRISE_PASS(exchange::open_oci_archive_layer(from)), "",
                             progress);
  const sys::UniqueFd layer = REPRISE_PASS(exchange::open_oci_layer(from));
  return import_checkpoint(node, archive::read_from(layer.get()), "", progress);
}

}  // namespace reprise::operations
