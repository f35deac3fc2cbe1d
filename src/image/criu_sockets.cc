// SPDX-License-Identifier: Apache-2.0
#include "image/criu_sockets.h"

#include <limits>

#include "criu_sockets.pb.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::size_t kSizeBytes = 4;

void append_size(std::string& file, std::size_t size) {
  constexpr unsigned kByte = 8;
  for (std::size_t i = 0; i < kSizeBytes; ++i)
    file += static_cast<char>((size >> (kByte * i)) & 0xffU);
}

}  // namespace

Result<std::string> keep_socket_files(std::string_view file,
                                      const std::set<std::uint64_t>& inodes) {
  std::string result(file.substr(0, 2 * kSizeBytes));
  std::string_view rest = file;
  if (take_u32(rest) != kCriuImageMagic || take_u32(rest) != kFilesMagic)
    return fail(ErrorCode::kCorrupt, "not a list of open files of CRIU");
  while (!rest.empty()) {
    const auto size = take_u32(rest);
    if (!size || *size > rest.size() || *size > std::numeric_limits<int>::max())
      return damaged("the list of open files");
    const std::string_view message = rest.substr(0, *size);
    rest.remove_prefix(*size);
    criu::OpenFile open;
    if (!open.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return damaged("the list of open files");
    std::string changed(message);
    if (open.has_usk() && open.usk().deleted() && inodes.contains(open.usk().ino())) {
      open.mutable_usk()->set_deleted(false);
      changed = open.SerializeAsString();
    }
    append_size(result, changed.size());
    result += changed;
  }
  return result;
}

}  // namespace reprise::image
