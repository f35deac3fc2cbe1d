// SPDX-License-Identifier: Apache-2.0
//
// The JSON documents of an OCI image layout (image-spec 1.1: image-layout.md, media-types.md,
// annotations.md), wherever they lie. All of it comes from others.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::exchange {

inline constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* kConfigType = "application/vnd.oci.image.config.v1+json";
inline constexpr const char* kLayerType = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr const char* kTag = "org.opencontainers.image.ref.name";
inline constexpr const char* kIndexFile = "index.json";
inline constexpr const char* kMarkerFile = "oci-layout";
inline constexpr const char* kBlobs = "blobs/sha256";
// image-spec: manifests should not be larger than that.
inline constexpr std::size_t kMaxJson = std::size_t{4} << 20;

// `name`: what the text is, for messages. kCorrupt unless it is a JSON object.
base::Result<nlohmann::json> parse_object(const std::string& text, const std::string& name);
// The same of an index, which has a list of manifests.
base::Result<nlohmann::json> parse_index(const std::string& text, const std::string& name);

// Empty if it has none.
std::string tag_of(const nlohmann::json& descriptor);

// The hexadecimal digits of "sha256:…", which is safe as a name of a file. kUnsupported.
base::Result<std::string> hex_of(const std::string& digest);

// The digest of the image with that tag, or of the only one if it is empty. `where`: what the index
// is of, for messages. kNotFound lists the images that there are; kUnsupported for an index of
// images.
base::Result<std::string> find_image(const nlohmann::json& index, const std::string& tag,
                                     const std::string& where);
// The digest of a manifest's only layer. kUnsupported if it has not exactly one: no checkpoint has.
base::Result<std::string> only_layer(const nlohmann::json& manifest);

}  // namespace reprise::exchange
