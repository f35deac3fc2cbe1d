// SPDX-License-Identifier: Apache-2.0
#include "exchange/oci_layout.h"

#include <fcntl.h>
#include <sys/utsname.h>

#include <array>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/id.h"
#include "base/scope_exit.h"
#include "exchange/layer_writer.h"
#include "exchange/oci_image.h"
#include "json/reader.h"
#include "json/writer.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::exchange {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;
using nlohmann::ordered_json;
using std::filesystem::path;

namespace {

constexpr const char* kMarker = R"({"imageLayoutVersion":"1.0.0"})";

Result<path> blob_file(const path& directory, const std::string& digest) {
  return directory / kBlobs / REPRISE_PASS(hex_of(digest));
}

// The blob of that digest, compared with it.
Result<path> checked_blob(const path& directory, const std::string& digest) {
  path file = REPRISE_PASS(blob_file(directory, digest));
  if (REPRISE_PASS(sha256_of(file)) == digest) return file;
  return fail(ErrorCode::kCorrupt, "'" + file.string() + "' is damaged: it has another digest");
}

// Machine names of GOARCH, which the image-spec uses.
std::string architecture() {
  constexpr std::array<std::pair<std::string_view, const char*>, 3> kNames{
      {{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"i686", "386"}}};
  utsname name{};
  if (::uname(&name) != 0) return "amd64";
  for (const auto& [kernel, go] : kNames)
    if (kernel == name.machine) return go;
  return name.machine;
}

json descriptor_of(const char* type, const Blob& blob) {
  return {{"mediaType", type}, {"digest", blob.digest}, {"size", blob.bytes}};
}

Result<Blob> put_json(const path& directory, const json& value) {
  const std::string text = json_writer::print(value);
  const Blob blob{.digest = sha256_of_text(text), .bytes = text.size()};
  REPRISE_PASS(sys::replace_file(REPRISE_PASS(blob_file(directory, blob.digest)), text));
  return blob;
}

Result<void> make_layout(const path& directory) {
  std::error_code error;
  const bool is_there = std::filesystem::exists(directory, error);
  const bool is_layout = std::filesystem::exists(directory / kMarkerFile, error);
  if (is_there && !is_layout && !std::filesystem::is_empty(directory, error))
    return std::unexpected(
        Error(ErrorCode::kInvalidInput, "'" + directory.string() + "' is no OCI image layout")
            .with_hint("name a directory that is empty, or not there"));
  REPRISE_PASS(sys::make_directories_durably(directory / kBlobs, 0755));
  if (!is_layout) REPRISE_PASS(sys::replace_file(directory / kMarkerFile, kMarker));
  return {};
}

Result<json> read_index(const path& directory) {
  const path file = directory / kIndexFile;
  return parse_index(REPRISE_PASS(sys::read_file(file, kMaxJson)), file);
}

// To be changed and written again, so with all that others put there. An empty one if there is none
// yet.
Result<ordered_json> load_index(const path& directory) {
  const path file = directory / kIndexFile;
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    return ordered_json{
        {"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", ordered_json::array()}};
  const std::string text = REPRISE_PASS(sys::read_file(file, kMaxJson));
  REPRISE_PASS(parse_index(text, file));
  return json_reader::parse_or_discarded<ordered_json>(text);
}

Result<void> add_to_index(const path& directory, json descriptor, const std::string& tag) {
  constexpr std::chrono::seconds kPatience{10};
  const sys::FileLock lock = REPRISE_PASS(sys::FileLock::lock_existing(directory, kPatience));
  ordered_json index = REPRISE_PASS(load_index(directory));
  ordered_json& manifests = index["manifests"];
  std::erase_if(manifests.get_ref<ordered_json::array_t&>(),
                [&](const ordered_json& other) { return tag_of(json(other)) == tag; });
  descriptor["annotations"] = {{kTag, tag}};
  manifests.push_back(ordered_json(descriptor));
  return sys::replace_file(directory / kIndexFile, json_writer::print(index));
}

}  // namespace

bool is_oci_place(std::string_view text) {
  return text.starts_with(kLayoutScheme) || text.starts_with(kArchiveScheme);
}

Result<OciPlace> parse_oci_place(std::string_view text) {
  if (!is_oci_place(text))
    return fail(ErrorCode::kInvalidInput,
                "'" + std::string(text) +
                    "' is neither 'oci:DIRECTORY[:TAG]' nor 'oci-archive:FILE[:TAG]'");
  const std::string_view rest = text.substr(text.find(':') + 1);
  const std::size_t colon = rest.find(':');
  OciPlace place{.path = path(rest.substr(0, colon)),
                 .tag = {},
                 .is_archive = text.starts_with(kArchiveScheme)};
  if (colon != rest.npos) place.tag = REPRISE_PASS(base::parse_id(rest.substr(colon + 1)));
  if (place.path.empty())
    return fail(ErrorCode::kInvalidInput, "'" + std::string(text) + "' names no " +
                                              (place.is_archive ? "file" : "directory"));
  if (place.path == "-")
    return std::unexpected(
        base::Error(ErrorCode::kInvalidInput,
                    "'" + std::string(text) +
                        "' would be standard output or input, and an image is made and read in "
                        "pieces")
            .with_hint("name a file; 'reprise checkpoint export CHECKPOINT -' and 'reprise "
                       "checkpoint import -' stream an archive of Podman's; './-' is a file of "
                       "that name"));
  return place;
}

Result<OciWritten> write_oci_image(
    const OciPlace& place, const std::map<std::string, std::string>& annotations,
    const std::function<Result<void>(const archive::WriteBytes&)>& write_layer) {
  const path& directory = place.path;
  REPRISE_PASS(make_layout(directory));
  // A name that no blob has; what is left of a killed process can be removed by anybody.
  const path partial = directory / kBlobs / (".partial-" + base::random_id());
  const base::ScopeExit removes([&] { (void)sys::remove_tree(partial); });
  LayerWriter layer = REPRISE_PASS(LayerWriter::create(partial));
  REPRISE_PASS(write_layer([&](std::span<const char> data) { return layer.write(data); }));
  const Layer written = REPRISE_PASS(layer.finish());
  REPRISE_PASS(
      sys::rename_durably(partial, REPRISE_PASS(blob_file(directory, written.blob.digest))));
  const json config{{"architecture", architecture()},
                    {"os", "linux"},
                    {"config", json::object()},
                    {"rootfs", {{"type", "layers"}, {"diff_ids", {written.uncompressed_digest}}}}};
  const Blob config_blob = REPRISE_PASS(put_json(directory, config));
  const json manifest{{"schemaVersion", 2},
                      {"mediaType", kManifestType},
                      {"config", descriptor_of(kConfigType, config_blob)},
                      {"layers", {descriptor_of(kLayerType, written.blob)}},
                      {"annotations", annotations}};
  const Blob blob = REPRISE_PASS(put_json(directory, manifest));
  REPRISE_PASS(add_to_index(directory, descriptor_of(kManifestType, blob),
                            place.tag.empty() ? "latest" : place.tag));
  return OciWritten{.digest = blob.digest, .bytes = written.blob.bytes};
}

Result<sys::UniqueFd> open_oci_layer(const OciPlace& place) {
  const json index = REPRISE_PASS(read_index(place.path));
  const std::string image = REPRISE_PASS(find_image(index, place.tag, place.path));
  const path file = REPRISE_PASS(checked_blob(place.path, image));
  const json manifest =
      REPRISE_PASS(parse_object(REPRISE_PASS(sys::read_file(file, kMaxJson)), file));
  const path layer = REPRISE_PASS(checked_blob(place.path, REPRISE_PASS(only_layer(manifest))));
  return sys::open_file(layer, O_RDONLY | O_NOFOLLOW);
}

}  // namespace reprise::exchange
