// SPDX-License-Identifier: Apache-2.0
#include <lz4.h>
#include <sys/random.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "pages/block.h"

namespace reprise::pages {

using base::ErrorCode;
using base::fail;

namespace {

using Bytes = std::vector<std::byte>;
using View = std::span<const std::byte>;

enum class Codec : std::uint8_t { kNone = 0, kLz4 = 1, kZstd = 2 };

// Codec, three zeros, the number of pages: docs/format/pack.md.
constexpr std::size_t kBlockHeaderBytes = 8;
// Levels of zstd. On the memory of real programs (Python, Java, JavaScript, C++), -2 takes the time
// of LZ4 and leaves half as much; -10 takes two thirds of it and leaves as much as LZ4
// (docs/design/0003-store.md).
int level_of(Effort effort) {
  switch (effort) {
    case Effort::kLeast:
      return -10;
    case Effort::kFast:
      return -2;
    case Effort::kSmall:
      return 3;  // zstd's own default
  }
  REPRISE_ASSERT(false);  // a value outside of the enumeration
  return 0;
}
// Less is not worth the time to decompress it.
constexpr std::size_t worth(std::size_t bytes) { return bytes - bytes / 16; }

Bytes bound_to(const BlockId& id) {
  constexpr std::string_view kPurpose = "reprise block 1 ";
  Bytes bound(kPurpose.size());
  std::memcpy(bound.data(), kPurpose.data(), kPurpose.size());
  bound.insert(bound.end(), id.begin(), id.end());
  return bound;
}

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// What `pages` compress to, in `out`: how many bytes; nullopt if they do not fit.
std::optional<std::size_t> compress(View pages, int level, std::span<std::byte> out) {
  // Of each thread one: making it takes longer than filling its tables for a block.
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  REPRISE_ASSERT(context != nullptr);
  const std::size_t bytes =
      ZSTD_compressCCtx(context.get(), out.data(), out.size(), pages.data(), pages.size(), level);
  if (ZSTD_isError(bytes) != 0U) return std::nullopt;
  return bytes;
}

using Pages = std::span<const std::byte* const>;

// Copied one after the other, into `room`.
View gathered(Pages pages, std::size_t step, std::span<std::byte> room) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < pages.size(); i += step, bytes += kPageBytes)
    std::memcpy(room.data() + bytes, pages[i], kPageBytes);
  return room.first(bytes);
}

// As they lie, if one follows the other; else gathered until the next call in this thread.
View together(Pages pages) {
  bool follow = true;
  for (std::size_t i = 1; follow && i < pages.size(); ++i)
    follow = pages[i] == pages[i - 1] + kPageBytes;
  if (follow) return {pages.front(), pages.size() * kPageBytes};
  thread_local Bytes room(kBlockPages * kPageBytes);
  return gathered(pages, 1, room);
}

// Whether a few of the pages compress. If not, trying it with all would cost as much time as to
// seal them.
bool promising(Pages pages, std::span<std::byte> out) {
  constexpr std::size_t kStep = 32;
  if (pages.size() < kBlockPages / 2) return true;  // too few to draw conclusions from
  constexpr std::size_t kSample = (kBlockPages + kStep - 1) / kStep * kPageBytes;
  thread_local Bytes room(kSample);
  const View sample = gathered(pages, kStep, room);
  return compress(sample, level_of(Effort::kFast), out.first(worth(sample.size()))).has_value();
}

bool decompress(Codec codec, View compressed, std::span<std::byte> pages) {
  switch (codec) {
    case Codec::kNone:
      if (compressed.size() != pages.size()) return false;
      std::memcpy(pages.data(), compressed.data(), pages.size());
      return true;
    case Codec::kLz4:
      return LZ4_decompress_safe(reinterpret_cast<const char*>(compressed.data()),
                                 reinterpret_cast<char*>(pages.data()),
                                 static_cast<int>(compressed.size()),
                                 static_cast<int>(pages.size())) == static_cast<int>(pages.size());
    case Codec::kZstd:
      return ZSTD_decompress(pages.data(), pages.size(), compressed.data(), compressed.size()) ==
             pages.size();
  }
  return false;
}

}  // namespace

BlockId random_block_id() {
  BlockId id{};
  // Up to 256 bytes come whole once the kernel's generator is ready (getrandom(2)).
  REPRISE_ASSERT(::getrandom(id.data(), id.size(), 0) == static_cast<ssize_t>(id.size()));
  return id;
}

Result<base::RawBytes> seal_block(const crypto::Aead& key, const BlockId& id,
                                  std::span<const PageId> ids, Pages pages, Effort effort) {
  const std::size_t count = ids.size();
  REPRISE_ASSERT(count >= 1 && count <= kBlockPages && pages.size() == count);
  thread_local Bytes room(kBlockPages * kPageBytes);
  const std::span<std::byte> out = std::span(room).first(worth(count * kPageBytes));
  const bool try_it = effort == Effort::kSmall || promising(pages, out);
  const View plain = together(pages);
  const auto compressed = try_it ? compress(plain, level_of(effort), out) : std::nullopt;
  std::array<std::byte, kBlockHeaderBytes> header{};
  header[0] = static_cast<std::byte>(compressed ? Codec::kZstd : Codec::kNone);
  base::put_u32(std::span(header).subspan(4), static_cast<std::uint32_t>(count));
  const View parts[] = {header, std::as_bytes(ids),
                        compressed ? View(out.first(*compressed)) : plain};
  base::RawBytes sealed(header.size() + ids.size_bytes() + parts[2].size() + crypto::kSealOverhead);
  REPRISE_PASS(key.seal_into(parts, bound_to(id), sealed));
  return sealed;
}

Result<void> unseal_block(const crypto::Aead& key, const BlockId& id, View sealed, Bytes& plain) {
  return key.open(sealed, bound_to(id), plain);
}

namespace {

// What an opened block consists of.
struct Opened {
  Codec codec;
  std::span<const std::byte> ids;
  View pages;
};

std::unexpected<base::Error> malformed() {
  return fail(ErrorCode::kCorrupt, "a block is malformed");
}

Result<Opened> take_apart(View plain) {
  if (plain.size() < kBlockHeaderBytes) return malformed();
  const std::size_t count = base::get_u32(plain.subspan(4));
  if (count < 1 || count > kBlockPages || plain.size() < kBlockHeaderBytes + count * sizeof(PageId))
    return malformed();
  const std::size_t head = kBlockHeaderBytes + count * sizeof(PageId);
  return Opened{.codec = static_cast<Codec>(plain[0]),
                .ids = plain.subspan(kBlockHeaderBytes, head - kBlockHeaderBytes),
                .pages = plain.subspan(head)};
}

std::vector<PageId> ids_in(const Opened& opened) {
  std::vector<PageId> ids(opened.ids.size() / sizeof(PageId));
  std::memcpy(ids.data(), opened.ids.data(), opened.ids.size());
  return ids;
}

}  // namespace

Result<std::vector<PageId>> ids_of_block(const crypto::Aead& key, const BlockId& id, View sealed) {
  thread_local Bytes plain;
  REPRISE_PASS(unseal_block(key, id, sealed, plain));
  return ids_in(REPRISE_PASS(take_apart(plain)));
}

Result<Block> open_block(const crypto::Aead& key, const BlockId& id, View sealed) {
  base::RawBytes plain(sealed.size() - std::min(sealed.size(), crypto::kSealOverhead));
  REPRISE_PASS(key.open_into(sealed, bound_to(id), plain));
  const Opened opened = REPRISE_PASS(take_apart(plain));
  Block block{.ids = ids_in(opened), .pages = {}};
  block.pages.resize(block.ids.size() * kPageBytes);
  if (!decompress(opened.codec, opened.pages, block.pages)) return malformed();
  return block;
}

}  // namespace reprise::pages
