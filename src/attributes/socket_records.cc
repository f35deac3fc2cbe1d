// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>

#include <nlohmann/json.hpp>

#include "attributes/internal/socket_option_table.h"
#include "attributes/socket_options.h"
#include "json/reader.h"
#include "json/writer.h"

namespace reprise::attributes {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte / kDigits.size()];
    text += kDigits[byte % kDigits.size()];
  }
  return text;
}

std::string from_hex(const std::string& text) {
  std::string bytes;
  if (text.size() % 2 != 0) throw std::invalid_argument("half a byte");
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::size_t high = kDigits.find(text[i]);
    const std::size_t low = kDigits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos)
      throw std::invalid_argument("no digit");
    bytes += static_cast<char>(high * kDigits.size() + low);
  }
  return bytes;
}

json encode(const SocketOption& option) {
  json encoded{option.level, option.number, to_hex(option.value)};
  if (!option.device.empty()) encoded.push_back(option.device);
  return encoded;
}

SocketOption decode_option(const json& encoded) {
  SocketOption option{.level = encoded.at(0).get<int>(),
                      .number = encoded.at(1).get<int>(),
                      .value = from_hex(encoded.at(2).get_ref<const std::string&>()),
                      .device = encoded.size() > 3 ? encoded.at(3).get<std::string>() : ""};
  if (find_option(option.level, option.number) == nullptr)
    throw std::invalid_argument("option " + std::to_string(option.number) + " of level " +
                                std::to_string(option.level));
  if (option.value.size() > kMostOptionBytes) throw std::invalid_argument("a long value");
  return option;
}

json encode(const GroupMembership& membership) {
  json encoded{{"level", membership.level},
               {"group", to_hex(membership.group)},
               {"device", membership.device}};
  if (membership.only_sources) encoded["only"] = true;
  for (const std::string& source : membership.sources) encoded["sources"].push_back(to_hex(source));
  return encoded;
}

GroupMembership decode_group(const json& encoded) {
  GroupMembership membership{.level = encoded.at("level").get<int>(),
                             .group = from_hex(encoded.at("group").get_ref<const std::string&>()),
                             .device = encoded.at("device").get<std::string>(),
                             .only_sources = encoded.value("only", false),
                             .sources = {}};
  const bool is_ipv4 = membership.level == IPPROTO_IP;
  const std::size_t size = is_ipv4 ? sizeof(in_addr) : sizeof(in6_addr);
  if (!is_ipv4 && membership.level != IPPROTO_IPV6) throw std::invalid_argument("a level");
  if (encoded.contains("sources"))
    for (const json& source : encoded.at("sources"))
      membership.sources.push_back(from_hex(source.get_ref<const std::string&>()));
  for (const std::string& source : membership.sources)
    if (source.size() != size) throw std::invalid_argument("an address");
  if (membership.group.size() != size) throw std::invalid_argument("an address");
  return membership;
}

json encode(const UnixFile& file) {
  json names = json::array();
  for (const std::string& name : file.names) names.push_back(json_writer::of_bytes(name));
  return {{"socket", file.socket},
          {"bound", json_writer::of_bytes(file.bound)},
          {"is_there", file.is_there},
          {"names", std::move(names)}};
}

UnixFile decode_file(const json& encoded) {
  UnixFile file{.socket = encoded.at("socket").get<std::uint64_t>(),
                .bound = json_reader::bytes_in(encoded.at("bound")),
                .is_there = encoded.at("is_there").get<bool>(),
                .names = {}};
  for (const json& name : encoded.at("names")) file.names.push_back(json_reader::bytes_in(name));
  return file;
}

}  // namespace

std::string encode_sockets(const std::vector<SocketRecord>& sockets) {
  json list = json::array();
  for (const SocketRecord& socket : sockets) {
    json one{{"pid", socket.pid}, {"fd", socket.descriptor}};
    for (const SocketOption& option : socket.options) one["options"].push_back(encode(option));
    for (const GroupMembership& group : socket.groups) one["groups"].push_back(encode(group));
    if (socket.file) one["file"] = encode(*socket.file);
    if (!socket.address.empty()) one["address"] = to_hex(socket.address);
    if (!socket.peer.empty()) one["peer"] = to_hex(socket.peer);
    list.push_back(std::move(one));
  }
  return json_writer::print(json{{"sockets", std::move(list)}}) + "\n";
}

Result<std::vector<SocketRecord>> decode_sockets(std::string_view text) {
  try {
    std::vector<SocketRecord> sockets;
    const json document = json_reader::parse(text);
    for (const json& one : document.at("sockets")) {
      SocketRecord socket{.pid = one.at("pid").get<pid_t>(),
                          .descriptor = one.at("fd").get<int>(),
                          .options = {},
                          .groups = {},
                          .file = {},
                          .address = from_hex(one.value("address", "")),
                          .peer = from_hex(one.value("peer", ""))};
      if (socket.address.size() > sizeof(sockaddr_storage) ||
          socket.peer.size() > sizeof(sockaddr_storage))
        throw std::invalid_argument("an address");
      if (one.contains("options"))
        for (const json& option : one.at("options"))
          socket.options.push_back(decode_option(option));
      if (one.contains("groups"))
        for (const json& group : one.at("groups")) socket.groups.push_back(decode_group(group));
      if (one.contains("file")) socket.file = decode_file(one.at("file"));
      sockets.push_back(std::move(socket));
    }
    return sockets;
  } catch (const std::exception& error) {
    return fail(ErrorCode::kCorrupt, std::string("unreadable list of sockets: ") + error.what());
  }
}

}  // namespace reprise::attributes
