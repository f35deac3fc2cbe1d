// SPDX-License-Identifier: Apache-2.0
#include "session/oci_layout.h"

#include <fcntl.h>
#include <sys/utsname.h>

#include <array>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/id.h"
#include "base/scope_exit.h"
#include "image/json_text.h"
#include "session/layer_writer.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;
using image::text_in;
using nlohmann::json;
using std::filesystem::path;

namespace {

// image-spec 1.1: media-types.md and annotations.md.
constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";
constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr const char* kLayerType = "application/vnd.oci.image.layer.v1.tar+zstd";
constexpr const char* kTag = "org.opencontainers.image.ref.name";
constexpr const char* kMarker = R"({"imageLayoutVersion":"1.0.0"})";
// image-spec: manifests should not be larger than that.
constexpr std::size_t kMaxJson = std::size_t{4} << 20;

std::unexpected<Error> malformed(const path& file, const char* what) {
  return fail(ErrorCode::kCorrupt, "'" + file.string() + "' " + what);
}

Result<json> load_json(const path& file) {
  json value = json::parse(REPRISE_PASS(sys::read_file(file, kMaxJson)), nullptr, false);
  if (!value.is_object()) return malformed(file, "is no JSON object");
  return value;
}

std::string tag_of(const json& descriptor) {
  const auto annotations = descriptor.find("annotations");
  return annotations != descriptor.end() ? text_in(*annotations, kTag) : "";
}

// A digest comes from the layout and becomes a path.
Result<path> blob_file(const path& directory, const std::string& digest) {
  constexpr std::string_view kAlgorithm = "sha256:";
  constexpr std::size_t kDigits = 64;
  const std::string_view hex = std::string_view(digest).substr(
      std::min(digest.size(), digest.starts_with(kAlgorithm) ? kAlgorithm.size() : digest.size()));
  if (hex.size() != kDigits || hex.find_first_not_of("0123456789abcdef") != hex.npos)
    return fail(ErrorCode::kUnsupported, "'" + digest + "' is no digest of kind SHA-256");
  return directory / "blobs" / "sha256" / hex;
}

// The blob that a descriptor names, compared with its digest.
Result<path> checked_blob(const path& directory, const json& descriptor) {
  const std::string digest = text_in(descriptor, "digest");
  path file = REPRISE_PASS(blob_file(directory, digest));
  if (REPRISE_PASS(sha256_of(file)) != digest)
    return malformed(file, "is damaged: it has another digest");
  return file;
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
  const std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  const Blob blob{.digest = sha256_of_text(text), .bytes = text.size()};
  REPRISE_PASS(sys::replace_file(REPRISE_PASS(blob_file(directory, blob.digest)), text));
  return blob;
}

Result<void> make_layout(const path& directory) {
  std::error_code error;
  const bool is_there = std::filesystem::exists(directory, error);
  const bool is_layout = std::filesystem::exists(directory / "oci-layout", error);
  if (is_there && !is_layout && !std::filesystem::is_empty(directory, error))
    return std::unexpected(
        Error(ErrorCode::kInvalidInput, "'" + directory.string() + "' is no OCI image layout")
            .with_hint("name a directory that is empty, or not there"));
  REPRISE_PASS(sys::make_directories_durably(directory / "blobs" / "sha256", 0755));
  if (!is_layout) REPRISE_PASS(sys::replace_file(directory / "oci-layout", kMarker));
  return {};
}

Result<json> read_index(const path& directory) {
  json index = REPRISE_PASS(load_json(directory / "index.json"));
  if (!index.contains("manifests") || !index["manifests"].is_array())
    return malformed(directory / "index.json", "has no list of manifests");
  return index;
}

// An empty one if there is none yet.
Result<json> load_index(const path& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory / "index.json", error))
    return json{{"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", json::array()}};
  return read_index(directory);
}

Result<void> add_to_index(const path& directory, json descriptor, const std::string& tag) {
  constexpr std::chrono::seconds kPatience{10};
  const sys::FileLock lock = REPRISE_PASS(sys::FileLock::lock_existing(directory, kPatience));
  json index = REPRISE_PASS(load_index(directory));
  json& manifests = index["manifests"];
  std::erase_if(manifests.get_ref<json::array_t&>(),
                [&](const json& other) { return tag_of(other) == tag; });
  descriptor["annotations"] = {{kTag, tag}};
  manifests.push_back(std::move(descriptor));
  return sys::replace_file(directory / "index.json", index.dump());
}

Result<json> find_image(const OciPlace& place) {
  const json index = REPRISE_PASS(read_index(place.directory));
  const json& manifests = index["manifests"];
  std::string tags;
  for (const json& descriptor : manifests) {
    const std::string tag = tag_of(descriptor);
    if (tag == place.tag || (place.tag.empty() && manifests.size() == 1)) return descriptor;
    tags += (tags.empty() ? "" : ", ") + (tag.empty() ? "(no tag)" : "'" + tag + "'");
  }
  const std::string asked =
      place.tag.empty() ? "more than one image, or none" : "no image '" + place.tag + "'";
  return std::unexpected(Error(ErrorCode::kNotFound, "'" + place.directory.string() + "' has " +
                                                         asked +
                                                         (tags.empty() ? "" : "; there is " + tags))
                             .with_hint("name one: oci:DIRECTORY:TAG"));
}

}  // namespace

Result<OciPlace> parse_oci_place(std::string_view text) {
  if (!text.starts_with(kOciScheme) || text.size() == kOciScheme.size())
    return fail(ErrorCode::kInvalidInput,
                "'" + std::string(text) + "' is no 'oci:DIRECTORY[:TAG]'");
  text.remove_prefix(kOciScheme.size());
  const std::size_t colon = text.find(':');
  OciPlace place{.directory = path(text.substr(0, colon)), .tag = {}};
  if (colon != text.npos) place.tag = REPRISE_PASS(base::parse_id(text.substr(colon + 1)));
  if (place.directory.empty())
    return fail(ErrorCode::kInvalidInput, "'" + std::string(text) + "' names no directory");
  return place;
}

Result<OciWritten> write_oci_image(
    const OciPlace& place, const std::map<std::string, std::string>& annotations,
    const std::function<Result<void>(const archive::WriteBytes&)>& write_layer) {
  const path& directory = place.directory;
  REPRISE_PASS(make_layout(directory));
  // A name that no blob has; what is left of a killed process can be removed by anybody.
  const path partial = directory / "blobs" / "sha256" / (".partial-" + base::random_id());
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
  const json descriptor = REPRISE_PASS(find_image(place));
  if (text_in(descriptor, "mediaType") != kManifestType)
    return fail(ErrorCode::kUnsupported,
                "it is not one image, but '" + text_in(descriptor, "mediaType") + "'");
  const path file = REPRISE_PASS(checked_blob(place.directory, descriptor));
  const json manifest = REPRISE_PASS(load_json(file));
  if (!manifest.contains("layers") || !manifest["layers"].is_array() ||
      manifest["layers"].size() != 1 || !manifest["layers"][0].is_object())
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "the image is no checkpoint: it has not one layer")
            .with_hint("those of 'podman container checkpoint --create-image' have"));
  return sys::open_file(REPRISE_PASS(checked_blob(place.directory, manifest["layers"][0])),
                        O_RDONLY | O_NOFOLLOW);
}

}  // namespace reprise::session
