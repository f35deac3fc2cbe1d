// SPDX-License-Identifier: Apache-2.0
#include "exchange/oci_image.h"

#include <algorithm>

#include "json/reader.h"

namespace reprise::exchange {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;
using json_reader::text_in;
using nlohmann::json;

Result<json> parse_object(const std::string& text, const std::string& name) {
  json value = json_reader::parse_or_discarded(text);
  if (!value.is_object()) return fail(ErrorCode::kCorrupt, "'" + name + "' is no JSON object");
  return value;
}

Result<json> parse_index(const std::string& text, const std::string& name) {
  json index = REPRISE_PASS(parse_object(text, name));
  if (!index.contains("manifests") || !index["manifests"].is_array())
    return fail(ErrorCode::kCorrupt, "'" + name + "' has no list of manifests");
  return index;
}

std::string tag_of(const json& descriptor) {
  if (!descriptor.is_object()) return {};
  const auto annotations = descriptor.find("annotations");
  return annotations != descriptor.end() ? text_in(*annotations, kTag) : "";
}

Result<std::string> hex_of(const std::string& digest) {
  constexpr std::string_view kAlgorithm = "sha256:";
  constexpr std::size_t kDigits = 64;
  if (digest.starts_with(kAlgorithm)) {
    std::string hex = digest.substr(kAlgorithm.size());
    if (hex.size() == kDigits && hex.find_first_not_of("0123456789abcdef") == hex.npos) return hex;
  }
  return fail(ErrorCode::kUnsupported, "'" + digest + "' is no digest of kind SHA-256");
}

Result<std::string> find_image(const json& index, const std::string& tag,
                               const std::string& where) {
  const json& manifests = index["manifests"];
  std::string tags;
  for (const json& descriptor : manifests) {
    const std::string its = tag_of(descriptor);
    if (its == tag || (tag.empty() && manifests.size() == 1)) {
      const std::string type = text_in(descriptor, "mediaType");
      if (type == kManifestType) return text_in(descriptor, "digest");
      return fail(ErrorCode::kUnsupported, "it is not one image, but '" + type + "'");
    }
    tags += (tags.empty() ? "" : ", ") + (its.empty() ? "(no tag)" : "'" + its + "'");
  }
  const std::string asked = tag.empty() ? "more than one image, or none" : "no image '" + tag + "'";
  return std::unexpected(Error(ErrorCode::kNotFound, "'" + where + "' has " + asked +
                                                         (tags.empty() ? "" : "; there is " + tags))
                             .with_hint("name one by its tag: " + where + ":TAG"));
}

Result<std::string> only_layer(const json& manifest) {
  const auto layers = manifest.find("layers");
  if (layers == manifest.end() || !layers->is_array() || layers->size() != 1)
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "the image is no checkpoint: it has not one layer")
            .with_hint("those of 'podman container checkpoint --create-image' have"));
  return text_in(layers->front(), "digest");
}

}  // namespace reprise::exchange
