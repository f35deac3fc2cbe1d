// SPDX-License-Identifier: Apache-2.0
#include "http/body.h"

#include <cstring>

#include "sys/files.h"

namespace reprise::http {

using base::ErrorCode;
using base::fail;

Result<void> Body::read(std::uint64_t at, std::span<std::byte> out) const {
  REPRISE_ASSERT(at + out.size() <= bytes_);
  if (file_ < 0) {
    std::memcpy(out.data(), text_.data() + at, out.size());
    return {};
  }
  if (REPRISE_TRY(sys::read_at(file_, offset_ + at, out), "reading what is to be sent") ==
      out.size())
    return {};
  return fail(ErrorCode::kCorrupt, "the file became shorter while it was sent");
}

}  // namespace reprise::http
