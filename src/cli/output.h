// SPDX-License-Identifier: Apache-2.0
//
// How commands write: tables for people, errors.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/units.h"

namespace reprise::cli {

using base::format_bytes;
using base::format_duration;

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
