// SPDX-License-Identifier: Apache-2.0
#include "image/criu_files.h"

#include <algorithm>

#include "image/criu_message.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;
using enum CriuFieldKind;

namespace {

constexpr std::uint32_t kRemapMagic = 0x59133954;
constexpr std::uint32_t kGhostMagic = 0x52583605;
constexpr std::uint32_t kNetworkMagic = 0x55933752;
constexpr std::uint32_t kPidMagic = 0x61157326;
constexpr std::uint32_t kCgroupMagic = 0x59383330;
constexpr std::size_t kMostFiles = 10'000'000;

constexpr CriuField kFile[] = {{1, kNumber}, {2, kNumber}, {3, kBytes},  {4, kBytes},  {5, kBytes},
                               {6, kBytes},  {7, kBytes},  {8, kBytes},  {9, kBytes},  {10, kBytes},
                               {11, kBytes}, {12, kBytes}, {13, kBytes}, {14, kBytes}, {15, kBytes},
                               {16, kBytes}, {17, kBytes}, {18, kBytes}, {19, kBytes}, {20, kBytes},
                               {21, kBytes}, {22, kBytes}};
constexpr CriuField kRegularFile[] = {{1, kNumber},  {2, kNumber},   {3, kLong},    {5, kBytes},
                                      {6, kText},    {7, kZigzag},   {8, kLong},    {9, kNumber},
                                      {10, kNumber}, {11, kNumbers}, {12, kNumber}, {13, kNumber},
                                      {14, kNumber}};
constexpr CriuField kUnixSocket[] = {
    {1, kNumber}, {2, kNumber}, {3, kNumber},  {4, kNumber},  {5, kNumber}, {6, kNumber},
    {7, kNumber}, {8, kNumber}, {9, kBytes},   {10, kBytes},  {11, kBytes}, {12, kNumber},
    {13, kBytes}, {14, kText},  {15, kNumber}, {16, kNumber}, {17, kZigzag}};
constexpr CriuField kInternetSocket[] = {
    {1, kNumber},   {2, kNumber},   {3, kNumber},  {4, kNumber},  {5, kNumber},
    {6, kNumber},   {7, kNumber},   {8, kNumber},  {9, kNumber},  {10, kNumber},
    {11, kNumbers}, {12, kNumbers}, {13, kBytes},  {14, kBytes},  {15, kNumber},
    {16, kBytes},   {17, kText},    {18, kNumber}, {19, kNumber}, {20, kBytes}};
constexpr CriuField kInotify[] = {{1, kNumber}, {2, kNumber}, {4, kBytes}, {5, kMany}};
constexpr CriuField kWatch[] = {{1, kNumber}, {2, kLong},   {3, kNumber}, {4, kNumber},
                                {5, kNumber}, {6, kNumber}, {7, kBytes}};
constexpr CriuField kHandle[] = {{1, kNumber}, {2, kNumber}, {3, kLongs}, {4, kText}, {5, kNumber}};
constexpr CriuField kRemap[] = {{1, kNumber}, {2, kNumber}, {3, kNumber}};
constexpr CriuField kGhost[] = {{1, kNumber}, {2, kNumber}, {3, kNumber}, {4, kNumber},
                                {5, kLong},   {6, kNumber}, {7, kBytes},  {8, kBytes},
                                {9, kNumber}, {10, kLong},  {11, kText}};
constexpr CriuField kNetwork[] = {{1, kNumbers}, {2, kNumbers}, {3, kMany}, {4, kMany},
                                  {5, kMany},    {6, kMany},    {7, kMany}, {8, kText},
                                  {9, kMany},    {10, kMany}};
constexpr CriuField kPid[] = {{1, kText}};
constexpr CriuField kCgroups[] = {{1, kMany}, {2, kMany}};
constexpr CriuField kSet[] = {{1, kNumber}, {2, kMany}};
constexpr CriuField kPlace[] = {{1, kText}, {2, kText}, {3, kNumber}};
constexpr CriuField kController[] = {{1, kMany}, {2, kMany}, {3, kNumber}};
constexpr CriuField kDirectory[] = {{1, kText}, {2, kMany}, {3, kMany}, {4, kBytes}};
constexpr CriuField kProperty[] = {{1, kText}, {2, kText}, {3, kBytes}};

Result<void> read_regular(std::string_view bytes, CriuOpenFile& file) {
  const CriuMessage one = REPRISE_PASS(CriuMessage::parse(bytes, kRegularFile, "an open file"));
  file.path = one.text(6);
  if (one.has(7)) file.mount = one.zigzag(7);
  file.external = one.number(9) != 0;
  return {};
}

Result<void> read_unix_socket(std::string_view bytes, CriuOpenFile& file) {
  const CriuMessage one = REPRISE_PASS(CriuMessage::parse(bytes, kUnixSocket, "a UNIX socket"));
  std::string_view name = one.bytes(11);
  // One that begins with NUL is in no file system.
  if (!name.starts_with('\0')) {
    name = name.substr(0, name.find('\0'));
    const std::string directory = one.text(14);
    file.path = directory.empty() ? std::string(name) : directory + "/" + std::string(name);
  }
  if (one.has(17)) file.mount = one.zigzag(17);
  // The flags beside "external" are CRIU's own while it runs.
  constexpr std::uint64_t kExternal = 1;
  if ((one.number(6) & ~kExternal) != 0) return damaged("a UNIX socket");
  file.external = one.number(6) != 0;
  return {};
}

Result<void> read_inotify(std::string_view bytes, CriuOpenFile& file) {
  const CriuMessage one = REPRISE_PASS(CriuMessage::parse(bytes, kInotify, "a watch of files"));
  for (const std::string_view entry : one.many(5)) {
    const CriuMessage watch = REPRISE_PASS(CriuMessage::parse(entry, kWatch, "a watch of files"));
    const CriuMessage handle =
        REPRISE_PASS(CriuMessage::parse(watch.bytes(7), kHandle, "a watch of files"));
    file.by_handle |= !handle.bytes(4).starts_with('/');
  }
  return {};
}

Result<void> read_kind(const CriuMessage& entry, CriuOpenFile& file) {
  switch (static_cast<CriuFileKind>(file.kind)) {
    case CriuFileKind::kRegular:
      return read_regular(entry.bytes(3), file);
    case CriuFileKind::kUnixSocket:
      return read_unix_socket(entry.bytes(16), file);
    case CriuFileKind::kInternetSocket:
      file.socket_type =
          REPRISE_PASS(CriuMessage::parse(entry.bytes(4), kInternetSocket, "a socket")).number(4);
      return {};
    case CriuFileKind::kInotify:
      return read_inotify(entry.bytes(13), file);
    default:
      return {};
  }
}

// The field of an entry that belongs to each kind, by the number of the kind.
constexpr std::uint32_t kFieldOfKind[] = {0,  3,  18, 17, 4,  16, 8,  9,  13, 10, 6,
                                          19, 14, 7,  5,  11, 15, 12, 20, 21, 22};

Result<void> collect_directory(std::string_view bytes, int depth, CriuCgroups& cgroups,
                               std::string* name) {
  constexpr int kDeepest = 64;
  if (depth > kDeepest) return damaged("the image of cgroups");
  const CriuMessage one =
      REPRISE_PASS(CriuMessage::parse(bytes, kDirectory, "the image of cgroups"));
  (name != nullptr ? *name : cgroups.names.emplace_back()) = one.text(1);
  for (const std::string_view entry : one.many(3)) {
    const CriuMessage property =
        REPRISE_PASS(CriuMessage::parse(entry, kProperty, "the image of cgroups"));
    cgroups.names.push_back(property.text(1));
  }
  for (const std::string_view child : one.many(2))
    REPRISE_PASS(collect_directory(child, depth + 1, cgroups, nullptr));
  return {};
}

Result<std::string> key_in(std::string_view file, std::uint32_t magic,
                           std::span<const CriuField> fields, std::uint32_t field) {
  const auto messages = REPRISE_PASS(criu_messages(file, magic, "an image of a namespace", 1));
  if (messages.empty()) return std::string();
  const CriuMessage one =
      REPRISE_PASS(CriuMessage::parse(messages.front(), fields, "an image of a namespace"));
  return one.text(field);
}

}  // namespace

Result<std::vector<CriuOpenFile>> decode_files(std::string_view file) {
  std::vector<CriuOpenFile> files;
  const auto messages =
      REPRISE_PASS(criu_messages(file, kFilesMagic, "the list of open files", kMostFiles));
  for (const std::string_view bytes : messages) {
    const CriuMessage entry =
        REPRISE_PASS(CriuMessage::parse(bytes, kFile, "the list of open files"));
    CriuOpenFile one;
    one.kind = entry.number(1);
    one.id = entry.number(2);
    // What does not belong to the kind would not have been looked at.
    if (one.kind == 0 || one.kind >= std::size(kFieldOfKind))
      return fail(ErrorCode::kUnsupported,
                  "an open file is of the unknown kind " + std::to_string(one.kind));
    for (std::uint32_t field = 3; field <= 22; ++field)
      if (entry.has(field) != (field == kFieldOfKind[one.kind]))
        return damaged("the list of open files");
    REPRISE_PASS(read_kind(entry, one));
    files.push_back(std::move(one));
  }
  return files;
}

Result<std::vector<CriuRemap>> decode_remaps(std::string_view file) {
  std::vector<CriuRemap> remaps;
  const auto messages =
      REPRISE_PASS(criu_messages(file, kRemapMagic, "the list of ghosts", kMostFiles));
  for (const std::string_view bytes : messages) {
    const CriuMessage one = REPRISE_PASS(CriuMessage::parse(bytes, kRemap, "the list of ghosts"));
    remaps.push_back({.file = one.number(1), .from = one.number(2), .kind = one.number(3)});
  }
  return remaps;
}

Result<CriuGhost> decode_ghost(std::string_view file) {
  const std::string_view message =
      REPRISE_PASS(first_criu_message(file, kGhostMagic, "a ghost file"));
  const CriuMessage one = REPRISE_PASS(CriuMessage::parse(message, kGhost, "a ghost file"));
  return CriuGhost{.mode = one.number(3), .device = one.number(6)};
}

Result<std::string> decode_network_key(std::string_view file) {
  return key_in(file, kNetworkMagic, kNetwork, 8);
}

Result<std::string> decode_pid_key(std::string_view file) {
  return key_in(file, kPidMagic, kPid, 1);
}

Result<CriuCgroups> decode_cgroups(std::string_view file) {
  constexpr std::string_view kWhat = "the image of cgroups";
  const auto messages = REPRISE_PASS(criu_messages(file, kCgroupMagic, kWhat, 1));
  CriuCgroups cgroups;
  if (messages.empty()) return cgroups;
  const CriuMessage all = REPRISE_PASS(CriuMessage::parse(messages.front(), kCgroups, kWhat));
  for (const std::string_view bytes : all.many(1)) {
    const CriuMessage one = REPRISE_PASS(CriuMessage::parse(bytes, kSet, kWhat));
    CriuCgroups::Set set{.id = one.number(1), .places = {}};
    for (const std::string_view entry : one.many(2)) {
      const CriuMessage place = REPRISE_PASS(CriuMessage::parse(entry, kPlace, kWhat));
      CriuCgroupPlace read{
          .controller = place.text(1), .path = place.text(2), .namespace_prefix = {}};
      if (place.has(3)) read.namespace_prefix = place.number(3);
      set.places.push_back(std::move(read));
    }
    cgroups.sets.push_back(std::move(set));
  }
  for (const std::string_view bytes : all.many(2)) {
    const CriuMessage one = REPRISE_PASS(CriuMessage::parse(bytes, kController, kWhat));
    CriuCgroups::Controller controller;
    for (const std::string_view name : one.many(1)) {
      if (name.contains('\0')) return damaged(kWhat);
      controller.names.emplace_back(name);
    }
    for (const std::string_view directory : one.many(2))
      REPRISE_PASS(
          collect_directory(directory, 0, cgroups, &controller.directories.emplace_back()));
    cgroups.controllers.push_back(std::move(controller));
  }
  return cgroups;
}

std::string encode_cgroups(const CriuCgroups& cgroups) {
  CriuMessageWriter all;
  for (const CriuCgroups::Set& set : cgroups.sets) {
    CriuMessageWriter one;
    one.add(1, set.id);
    for (const CriuCgroupPlace& place : set.places) {
      CriuMessageWriter member;
      member.add(1, place.controller).add(2, place.path);
      if (place.namespace_prefix) member.add(3, *place.namespace_prefix);
      one.add(2, member.bytes());
    }
    all.add(1, one.bytes());
  }
  for (const CriuCgroups::Controller& controller : cgroups.controllers) {
    CriuMessageWriter one;
    for (const std::string& name : controller.names) one.add(1, name);
    for (const std::string& directory : controller.directories)
      one.add(2, CriuMessageWriter().add(1, directory).bytes());
    all.add(2, one.bytes());
  }
  return encode_criu_image(kCgroupMagic, all);
}

}  // namespace reprise::image
