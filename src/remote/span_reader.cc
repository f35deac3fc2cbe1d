// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/span_reader.h"

#include <algorithm>
#include <utility>

#include "remote/internal/parallel.h"

namespace reprise::remote {

using base::ErrorCode;
using base::fail;

namespace {

// Large enough that the round trip of a request does not count.
constexpr std::size_t kSpanPiece = std::size_t{8} << 20;

Result<void> read_piece(std::uint64_t offset, std::span<std::byte> out, const ReadRange& read_range,
                        const std::atomic<bool>& stop) {
  const std::string range = std::to_string(offset) + "-" + std::to_string(offset + out.size() - 1);
  const http::Response response = REPRISE_PASS(read_range("Range: bytes=" + range, out, stop));
  if (response.status != 206)
    return fail(ErrorCode::kUnsupported, "the server cannot read parts of objects");
  // An object that ends within the range is answered with what there is of it.
  const auto told = response.headers.find("content-range");
  if (response.received != out.size() || told == response.headers.end() ||
      !told->second.starts_with("bytes " + range + "/"))
    return fail(ErrorCode::kCorrupt, "the object is cut off");
  return {};
}

}  // namespace

Result<void> read_span(std::uint64_t offset, std::span<std::byte> out, unsigned parallel,
                       const ReadRange& read_range) {
  std::atomic<bool> stop = false;
  const std::size_t pieces = (out.size() + kSpanPiece - 1) / kSpanPiece;
  return for_each(pieces, parallel, stop, [&](std::size_t index) {
    const std::size_t begin = index * kSpanPiece;
    return read_piece(offset + begin, out.subspan(begin, std::min(kSpanPiece, out.size() - begin)),
                      read_range, stop);
  });
}

}  // namespace reprise::remote
