// SPDX-License-Identifier: Apache-2.0
#include "network/adopted_note.h"

#include <sstream>
#include <system_error>

#include "sys/files.h"

namespace reprise::network {

using base::Result;

std::filesystem::path adopted_note_of(const std::filesystem::path& baseline) {
  return baseline.string() + ".adopted";
}

// A line for the namespace, and one for each address.
Result<void> note_adopted(const std::filesystem::path& file, const NetworkNamespace& ns,
                          const std::vector<std::string>& addresses) {
  if (addresses.empty()) return sys::remove_tree(file);
  std::string text = ns.string() + "\n";
  for (const std::string& address : addresses) text += address + "\n";
  return sys::replace_file(file, text);
}

Result<void> release_noted(const std::filesystem::path& file) {
  std::error_code unknown;
  if (!std::filesystem::exists(file, unknown)) return {};
  std::istringstream lines(REPRISE_PASS(sys::read_file(file)));
  std::string ns;
  std::getline(lines, ns);
  std::vector<std::string> addresses;
  for (std::string line; std::getline(lines, line);) addresses.push_back(line);
  REPRISE_PASS(release_unused(ns, addresses));
  return note_adopted(file, ns, REPRISE_PASS(adopted_among(ns, addresses)));
}

}  // namespace reprise::network
