// SPDX-License-Identifier: Apache-2.0
//
// What commands print with --json: records in a fixed order, times as ISO 8601.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "catalog/catalog.h"

namespace reprise::cli {

using Json = nlohmann::ordered_json;

// Indented, with a newline at the end; bytes that are no UTF-8 are replaced.
void print_json(std::ostream& out, const Json& document);

// Null for 0, which stands for "never".
Json json_time(base::UnixMillis time);

Json to_json(const catalog::CheckpointRow& row);
Json to_json(const catalog::LifeRow& row);
Json to_json(const catalog::SessionRow& row);

}  // namespace reprise::cli
