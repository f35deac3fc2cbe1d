// SPDX-License-Identifier: Apache-2.0
//
// Strict reading of a JSON object: every field named once, of the right type, and no others.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::image {

// Parses `text`. kCorrupt if it is not JSON or if some object names a field twice.
base::Result<nlohmann::json> parse_strict_json(std::string_view text);

// Takes fields out of one object. Every error is kCorrupt and names the field. The object must
// outlive the reader.
class FieldReader {
 public:
  // `where` is put before field names in messages: "files[3].".
  static base::Result<FieldReader> of(const nlohmann::json& value, std::string where);

  base::Result<std::string> text(const char* name);
  base::Result<std::string> text_not_empty(const char* name);
  base::Result<bool> boolean(const char* name);
  base::Result<std::int64_t> not_negative(const char* name);
  base::Result<std::uint64_t> natural(const char* name);
  base::Result<std::vector<std::string>> texts(const char* name);
  base::Result<const nlohmann::json*> array(const char* name);
  // Fails if the object has a field that was not taken.
  base::Result<void> finish() const;

  [[nodiscard]] std::unexpected<base::Error> wrong(const char* name, const char* what) const;

 private:
  FieldReader(const nlohmann::json& object, std::string where)
      : object_(&object), where_(std::move(where)) {}
  base::Result<const nlohmann::json*> take(const char* name);

  const nlohmann::json* object_;
  std::string where_;
  std::set<std::string> taken_;
};

}  // namespace reprise::image
