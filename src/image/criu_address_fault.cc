// SPDX-License-Identifier: Apache-2.0
#include "image/criu_address_fault.h"

#include <charconv>
#include <map>

namespace reprise::image {

namespace {

// "(00.222432)      1: inet: …" to "1": tasks are restored side by side, each with its own socket.
std::string_view task_of(std::string_view line) {
  constexpr std::string_view kBlank = " \t";
  if (line.starts_with('(')) line.remove_prefix(std::min(line.find(')') + 1, line.size()));
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  return line.substr(0, line.find(':'));
}

// The word that follows `name` in "family AF_INET    type SOCK_STREAM …".
std::string_view word_after(std::string_view line, std::string_view name) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t at = line.find(name);
  if (at == line.npos) return {};
  line.remove_prefix(at + name.size());
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  return line.substr(0, line.find_first_of(kBlank));
}

std::optional<CriuAddressFault> socket_in(std::string_view line) {
  constexpr std::string_view kPrefix = "IPPROTO_";
  std::string_view protocol = word_after(line, " proto ");
  const std::string_view port = word_after(line, " port ");
  const std::string_view address = word_after(line, " src_addr ");
  if (protocol.starts_with(kPrefix)) protocol.remove_prefix(kPrefix.size());
  CriuAddressFault socket{.address = std::string(address), .protocol = std::string(protocol)};
  const auto end = std::from_chars(port.data(), port.data() + port.size(), socket.port);
  if (address.empty() || end.ec != std::errc() || end.ptr != port.data() + port.size())
    return std::nullopt;
  return socket;
}

// What an error says of the socket that its task is about to restore.
std::optional<CriuAddressFault::Why> fault_in(std::string_view line) {
  if (!line.contains("Error (")) return std::nullopt;
  if (!line.contains("inet socket") && !line.contains("listen on a socket")) return std::nullopt;
  if (line.contains("Address already in use")) return CriuAddressFault::Why::kTaken;
  if (line.contains("Cannot assign requested address")) return CriuAddressFault::Why::kMissing;
  return std::nullopt;
}

}  // namespace

std::optional<CriuAddressFault> find_address_fault(std::string_view log) {
  std::map<std::string_view, CriuAddressFault> current;  // of each task
  while (!log.empty()) {
    const std::size_t end = log.find('\n');
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(end == log.npos ? log.size() : end + 1);
    if (line.contains("Restore: family ")) {
      if (auto socket = socket_in(line)) current[task_of(line)] = *std::move(socket);
    } else if (const auto why = fault_in(line)) {
      const auto found = current.find(task_of(line));
      if (found == current.end()) return std::nullopt;
      found->second.why = *why;
      return found->second;
    }
  }
  return std::nullopt;
}

}  // namespace reprise::image
