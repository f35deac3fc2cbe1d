// SPDX-License-Identifier: Apache-2.0
//
// How commands write: tables for people, units, errors.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace reprise::cli {

// "52.1 MB": decimal units, one digit after the point from kB on.
std::string format_bytes(std::uint64_t bytes);

// Milliseconds as "0.41 s", from a minute on "2 min 5 s", from an hour on "3 h 20 min".
std::string format_duration(std::int64_t ms);

// The first 12 characters, as Podman shows ids; the whole of a key that is more than an id.
std::string short_id(std::string_view id);

// Columns as wide as their widest cell, two spaces between them; no trailing spaces.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  // As many cells as the header has.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "reprise: …" and, on a line of its own, "hint: …".
void print_error(std::ostream& err, const base::Error& error);

}  // namespace reprise::cli
