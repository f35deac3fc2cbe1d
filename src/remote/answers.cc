// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/answers.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <utility>

#include "json/reader.h"

namespace reprise::remote {

using base::ErrorCode;
using base::fail;

namespace {

Result<void> load(pugi::xml_document& document, std::string_view xml) {
  if (document.load_buffer(xml.data(), xml.size())) return {};
  return fail(ErrorCode::kCorrupt, "the answer is no XML");
}

bool has_more(const pugi::xml_node& list) {
  return list.child_value("IsTruncated") == std::string_view("true");
}

// nullopt without what we need of an object.
std::optional<ObjectInfo> object_of(const nlohmann::json& entry) {
  const bool whole = entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
                     entry.contains("bytes") && entry["bytes"].is_number_unsigned();
  if (!whole) return std::nullopt;
  return ObjectInfo{.name = entry["name"].get<std::string>(),
                    .bytes = entry["bytes"].get<std::uint64_t>()};
}

}  // namespace

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string s3_error_code(std::string_view xml) {
  pugi::xml_document document;
  if (!load(document, xml)) return {};
  return document.child("Error").child_value("Code");
}

Result<S3ObjectPage> parse_object_page(std::string_view xml, std::string_view below) {
  pugi::xml_document document;
  REPRISE_PASS(load(document, xml));
  const pugi::xml_node list = document.child("ListBucketResult");
  S3ObjectPage page;
  for (const pugi::xml_node& entry : list.children("Contents")) {
    const std::string_view key = entry.child_value("Key");
    if (!key.starts_with(below)) continue;
    std::string name(key.substr(below.size()));
    const auto bytes = number_of(entry.child_value("Size"));
    if (bytes && check_object_name(name))
      page.objects.push_back({.name = std::move(name),
                              .bytes = *bytes,
                              .modified = base::from_iso8601(entry.child_value("LastModified"))});
  }
  if (has_more(list)) page.next = list.child_value("NextContinuationToken");
  return page;
}

Result<S3UploadPage> parse_upload_page(std::string_view xml) {
  pugi::xml_document document;
  REPRISE_PASS(load(document, xml));
  const pugi::xml_node list = document.child("ListMultipartUploadsResult");
  S3UploadPage page;
  for (const pugi::xml_node& upload : list.children("Upload"))
    page.uploads.push_back({.key = upload.child_value("Key"),
                            .id = upload.child_value("UploadId"),
                            .begun = base::from_iso8601(upload.child_value("Initiated"))});
  if (has_more(list))
    page.next = {.key = list.child_value("NextKeyMarker"),
                 .id = list.child_value("NextUploadIdMarker")};
  return page;
}

Result<S3PartPage> parse_part_page(std::string_view xml) {
  pugi::xml_document document;
  REPRISE_PASS(load(document, xml));
  const pugi::xml_node list = document.child("ListPartsResult");
  S3PartPage page;
  for (const pugi::xml_node& part : list.children("Part"))
    page.parts.push_back({.number = number_of(part.child_value("PartNumber")).value_or(0),
                          .bytes = number_of(part.child_value("Size")).value_or(0),
                          .etag = part.child_value("ETag")});
  if (has_more(list)) page.next = list.child_value("NextPartNumberMarker");
  return page;
}

Result<std::string> parse_upload_id(std::string_view xml) {
  pugi::xml_document document;
  REPRISE_PASS(load(document, xml));
  return document.child("InitiateMultipartUploadResult").child_value("UploadId");
}

Result<std::vector<ObjectInfo>> parse_peer_list(std::string_view json, std::string_view prefix) {
  const auto answer = json_reader::parse_or_discarded(json);
  std::vector<ObjectInfo> found;
  bool good = answer.is_object() && answer.contains("objects") && answer["objects"].is_array();
  if (good) {
    for (const auto& entry : answer["objects"]) {
      auto object = object_of(entry);
      good = object.has_value();
      if (!good) break;
      if (object->name.starts_with(prefix) && check_object_name(object->name))
        found.push_back(std::move(*object));
    }
  }
  if (!good) return fail(ErrorCode::kCorrupt, "the answer is no list of objects");
  std::ranges::sort(found, {}, &ObjectInfo::name);
  return found;
}

}  // namespace reprise::remote
