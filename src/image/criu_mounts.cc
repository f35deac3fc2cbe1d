// SPDX-License-Identifier: Apache-2.0
#include "image/criu_mounts.h"

#include "image/criu_message.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::Result;
using enum CriuFieldKind;

namespace {

constexpr std::size_t kMost = 100'000;
constexpr std::string_view kWhat = "an image of mounts";

constexpr CriuField kFields[] = {
    {1, kNumber},  {2, kNumber}, {3, kNumber},  {4, kNumber},  {5, kNumber},  {6, kText},
    {7, kText},    {8, kText},   {9, kText},    {10, kNumber}, {11, kNumber}, {12, kNumber},
    {13, kNumber}, {14, kText},  {15, kNumber}, {16, kNumber}, {17, kNumber}, {18, kText}};

CriuFileSystem kind_of(std::uint64_t number) {
  switch (number) {
    case 1:
      return CriuFileSystem::kProc;
    case 2:
      return CriuFileSystem::kSysfs;
    case 5:
      return CriuFileSystem::kTmpfs;
    case 6:
      return CriuFileSystem::kDevpts;
    case 12:
    case 23:
      return CriuFileSystem::kCgroup;
    case 14:
      return CriuFileSystem::kMqueue;
    default:
      return CriuFileSystem::kOther;
  }
}

}  // namespace

Result<std::vector<CriuMount>> decode_mounts(std::string_view file) {
  std::vector<CriuMount> mounts;
  const auto messages = REPRISE_PASS(criu_messages(file, kMountsMagic, kWhat, kMost));
  for (const std::string_view bytes : messages) {
    const CriuMessage one = REPRISE_PASS(CriuMessage::parse(bytes, kFields, kWhat));
    mounts.push_back({.place = one.text(7),
                      .root = one.text(6),
                      .source = one.text(8),
                      .options = one.text(9),
                      .external = one.text(18),
                      .kind = kind_of(one.number(1)),
                      .kind_number = one.number(1),
                      .id = one.number(2),
                      .parent = one.number(4),
                      .device = one.number(3),
                      .flags = one.number(5) | one.number(17),
                      .mount_flags = one.number(5),
                      .shared = one.number(10),
                      .master = one.number(11),
                      .sharing_ends_here = one.number(15) != 0,
                      .unusual = one.number(12) != 0 || one.number(13) != 0 || one.has(14) ||
                                 one.number(16) != 0 || (one.has(18) && one.bytes(18).empty())});
  }
  return mounts;
}

}  // namespace reprise::image
