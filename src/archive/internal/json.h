// SPDX-License-Identifier: Apache-2.0
//
// Fields of JSON that others wrote: absent and null read as empty, another type is kCorrupt.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::archive {

base::Result<nlohmann::json> parse_object(std::string_view text, std::string_view member);

base::Result<std::string> text_field(const nlohmann::json& object, std::string_view member,
                                     const char* field);
base::Result<bool> flag_field(const nlohmann::json& object, std::string_view member,
                              const char* field);
base::Result<nlohmann::json> object_field(const nlohmann::json& object, std::string_view member,
                                          const char* field);
base::Result<nlohmann::json> list_field(const nlohmann::json& object, std::string_view member,
                                        const char* field);
base::Result<std::vector<std::string>> texts_field(const nlohmann::json& object,
                                                   std::string_view member, const char* field);

}  // namespace reprise::archive
