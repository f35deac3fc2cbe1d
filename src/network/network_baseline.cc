// SPDX-License-Identifier: Apache-2.0
#include "network/network_baseline.h"

#include <algorithm>
#include <system_error>

#include "network/ip_address.h"
#include "sys/files.h"

namespace reprise::network {

using base::Result;

namespace {

using Lines = std::vector<std::string>;

bool is_usual_rule(const std::string& rule) {
  return rule == "from all lookup local pref 0" || rule == "from all lookup main pref 32766" ||
         rule == "from all lookup default pref 32767";
}

template <typename Matches>
Lines only(const Lines& lines, Matches matches) {
  Lines chosen;
  std::ranges::copy_if(lines, std::back_inserter(chosen), matches);
  return chosen;
}

}  // namespace

NetworkSetup presumed_baseline(const NetworkSetup& now) {
  NetworkSetup before;
  for (const auto& [name, link] : now.links)
    if (name == "lo" || link.foreign) before.links[name] = link;
  before.addresses = only(now.addresses, [&](const std::string& line) {
    return std::ranges::any_of(before.links, [&](const auto& entry) {
      return entry.second.foreign &&
             (line + " ").find(" dev " + entry.first + " ") != std::string::npos;
    });
  });
  const auto is_static = [](const std::string& line) {
    return line.find(" proto static") != std::string::npos;
  };
  before.routes4 = only(now.routes4, is_static);
  before.routes6 = only(now.routes6, is_static);
  before.rules4 = only(now.rules4, is_usual_rule);
  before.rules6 = only(now.rules6, is_usual_rule);
  return before;
}

Result<void> note_baseline(const std::filesystem::path& file, const NetworkSetup& before,
                           const Lines& adopted) {
  NetworkSetup noted = before;
  for (const std::string& text : adopted) {
    const InterfaceAddress address = split_address(text);
    if (!address.interface.empty()) continue;
    // It is there already where an attempt before this one was killed.
    const std::string line = as_host(address.bare) + " dev lo";
    if (std::ranges::find(noted.addresses, line) == noted.addresses.end())
      noted.addresses.push_back(line);
  }
  REPRISE_TRY(sys::replace_file(file, encode_setup(noted)), "noting how the network was");
  return {};
}

Result<NetworkComparison> compare_with_baseline(const NetworkNamespace& ns,
                                                const std::filesystem::path& file) {
  const NetworkSetup now = REPRISE_PASS(look_at_network(ns));
  std::error_code error;
  const bool noted = std::filesystem::exists(file, error);
  if (error) return base::fail_errno(error.value(), "looking for '" + file.string() + "'");
  NetworkSetup before = presumed_baseline(now);
  if (noted) before = REPRISE_PASS(decode_setup(REPRISE_PASS(sys::read_file(file))));
  NetworkChange change = difference(before, now);
  return NetworkComparison{.before = std::move(before), .change = std::move(change)};
}

}  // namespace reprise::network
