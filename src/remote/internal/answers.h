// SPDX-License-Identifier: Apache-2.0
//
// What the other side answers, read: S3's XML (API of 2006-03-01) and a peer's JSON. Whoever stands
// on the way may have written it; a name that leads elsewhere does not come out of here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "remote/object_store.h"

namespace reprise::remote {

// All of `text`; nullopt if it is no number.
std::optional<std::uint64_t> number_of(std::string_view text);

// The code in an answer that is an error: "NoSuchKey". Empty if it is none.
std::string s3_error_code(std::string_view xml);

struct S3ObjectPage {
  std::vector<ObjectInfo> objects;  // without those that have no size, or a name that we never give
  std::optional<std::string> next;  // continuation-token; nullopt: this was the last page
};
// Names come without `below`, which those that are told begin with. kCorrupt if it is no XML.
Result<S3ObjectPage> parse_object_page(std::string_view xml, std::string_view below);

struct S3Upload {
  std::string key;  // with the prefix of the bucket; may be anything
  std::string id;
  std::optional<base::UnixMillis> begun;
  bool operator==(const S3Upload&) const = default;
};
struct S3UploadPage {
  struct Marker {
    std::string key, id;
    bool operator==(const Marker&) const = default;
  };
  std::vector<S3Upload> uploads;
  std::optional<Marker> next;
};
Result<S3UploadPage> parse_upload_page(std::string_view xml);

struct S3Part {
  std::uint64_t number = 0;  // from 1; 0 for one that is none
  std::uint64_t bytes = 0;
  std::string etag;  // as it is told, in quotation marks or not
  bool operator==(const S3Part&) const = default;
};
struct S3PartPage {
  std::vector<S3Part> parts;
  std::optional<std::string> next;  // part-number-marker
};
Result<S3PartPage> parse_part_page(std::string_view xml);

// Of an upload that was begun; empty if none is told.
Result<std::string> parse_upload_id(std::string_view xml);

// A peer's list of objects, of which it keeps those whose names begin with `prefix`, sorted.
// kCorrupt if it is none.
Result<std::vector<ObjectInfo>> parse_peer_list(std::string_view json, std::string_view prefix);

}  // namespace reprise::remote
