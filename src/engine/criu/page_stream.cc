// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/page_stream.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "sys/files.h"
#include "sys/unix_socket.h"

namespace reprise::engine {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;

namespace {

// criu/page-xfer.c. What comes with pages has its flags in the upper half.
enum Command : std::uint32_t {
  kAdd = 1,
  kHole = 2,  // pages of an image before this one
  kOpen = 3,
  kOpenAndAnswer = 4,
  kHasParent = 5,
  kAddWithFlags = 6,
  kClose = 0x1023,
  kForceClose = 0x1024,
};
constexpr unsigned kCommandBits = 16;
constexpr std::uint32_t kCommandMask = (1U << kCommandBits) - 1;

constexpr unsigned kKindBits = 8;
constexpr std::uint64_t kKindMask = (1U << kKindBits) - 1;
constexpr std::uint64_t kOfProcess = 1;
constexpr std::uint64_t kShared = 2;

// Of pages, criu/include/pagemap.h: whether they can be restored when they are touched, and whether
// they follow.
constexpr std::uint32_t kLazy = 2;
constexpr std::uint32_t kPresent = 4;

constexpr std::size_t kOldHeader = 24;  // u32 command, u32 pages, u64 address, u64 space
constexpr std::size_t kNewHeader = 32;  // u32 command, 4 unused, u64 pages, u64 address, u64 space

constexpr std::uint64_t kPage = 4096;
// More than the address space of any process has.
constexpr std::uint64_t kMostPages = std::uint64_t{1} << 45U;

std::unexpected<base::Error> not_the_protocol(const std::string& what) {
  return fail(ErrorCode::kCorrupt, "CRIU speaks to the page server as no version known: " + what);
}

}  // namespace

// --- bytes

Result<void> PageStream::read(std::span<std::byte> out) {
  if (REPRISE_TRY(sys::receive_all(fd_, out), "listening to CRIU") < out.size())
    return fail(ErrorCode::kGone, "CRIU hung up in the middle of the memory");
  return {};
}

Result<void> PageStream::send(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, "answering CRIU");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> PageStream::send_number(std::int32_t number) {
  return send(std::as_bytes(std::span(&number, 1)));
}

// --- messages

Result<PageStream::Message> PageStream::next() {
  std::array<std::byte, kNewHeader> header{};
  const std::span whole(header);
  REPRISE_PASS(read(whole.first(kOldHeader)));
  const auto number = [&](std::size_t at) { return base::get_u64(whole.subspan(at)); };
  // The first one says of which space: an address stands there in the newer form, which is 0 then.
  const bool first = header_bytes_ == 0;
  if (first) header_bytes_ = number(16) != 0 ? kOldHeader : kNewHeader;
  const bool is_new = header_bytes_ == kNewHeader;
  const std::uint32_t command = base::get_u32(whole);
  // Where it says only that nothing came, its form is not known, and nothing follows.
  const bool ends = command == kClose || command == kForceClose;
  if (is_new && !(first && ends)) REPRISE_PASS(read(whole.subspan(kOldHeader)));
  return Message{.command = command & kCommandMask,
                 .flags = command >> kCommandBits,
                 .address = number(is_new ? 16 : 8),
                 .pages = is_new ? number(8) : base::get_u32(whole.subspan(4)),
                 .space = number(is_new ? 24 : 16)};
}

template <typename Step>
void PageStream::keep(Step step) {
  if (kept_) kept_ = step();
}

Result<void> PageStream::serve() {
  while (REPRISE_PASS(handle(REPRISE_PASS(next())))) {
  }
  return kept_;
}

Result<bool> PageStream::handle(const Message& message) {
  switch (message.command) {
    case kOpen:
    case kOpenAndAnswer: {
      REPRISE_PASS(open_space(message.space));
      const std::byte no_parent{0};
      if (message.command == kOpenAndAnswer) REPRISE_PASS(send({&no_parent, 1}));
      return true;
    }
    case kHasParent:
      REPRISE_PASS(send_number(0));
      return true;
    case kAdd:
    case kAddWithFlags:
      REPRISE_PASS(add(message));
      return true;
    case kHole:
      return fail(ErrorCode::kUnsupported, "CRIU wants to take pages from an earlier image");
    case kClose:
    case kForceClose:
      REPRISE_PASS(close_space());
      REPRISE_PASS(send_number(kept_ ? 0 : -1));
      return false;
    default:
      return not_the_protocol("command " + std::to_string(message.command));
  }
}

// --- spaces and their pages

Result<void> PageStream::open_space(std::uint64_t space) {
  REPRISE_PASS(close_space());
  const std::uint64_t kind = space & kKindMask;
  const std::uint64_t number = space >> kKindBits;
  // The first segment of System V has the number 0.
  const bool is_known = (kind == kOfProcess && number != 0) || kind == kShared;
  if (!is_known || number > std::numeric_limits<std::uint32_t>::max())
    return not_the_protocol("address space " + std::to_string(space));
  if (!seen_.insert(space).second)
    return not_the_protocol("address space " + std::to_string(space) + " twice");
  open_ = space;
  map_ = {.file = map_.file + 1, .runs = {}};
  map_file_ = (kind == kShared ? "pagemap-shmem-" : "pagemap-") + std::to_string(number) + ".img";
  keep([&] { return sink_.begin_pages("pages-" + std::to_string(map_.file) + ".img"); });
  return {};
}

Result<void> PageStream::close_space() {
  if (open_ == 0) return {};
  open_ = 0;
  keep([&]() -> Result<void> {
    const std::filesystem::path file = sink_.spool() / map_file_;
    const sys::UniqueFd fd =
        REPRISE_PASS(sys::open_file(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
    return sys::write_at(fd.get(), 0, base::as_bytes(image::encode_pagemap(map_)));
  });
  return {};
}

Result<void> PageStream::add(const Message& message) {
  const std::uint32_t flags = message.command == kAdd ? kPresent : message.flags;
  if (open_ == 0 || message.space != open_)
    return not_the_protocol("pages of address space " + std::to_string(message.space));
  if (message.pages == 0 || message.pages > kMostPages || message.address % kPage != 0 ||
      message.address > std::numeric_limits<std::uint64_t>::max() - message.pages * kPage)
    return not_the_protocol(std::to_string(message.pages) + " pages at " +
                            std::to_string(message.address));
  // Those of a later version may say that what follows is something else than pages.
  if ((flags & ~(kLazy | kPresent)) != 0)
    return fail(ErrorCode::kUnsupported,
                "CRIU sends pages in an unknown way (" + std::to_string(flags) + ")");
  map_.runs.push_back({.address = message.address,
                       .pages = message.pages,
                       .lazy = (flags & kLazy) != 0,
                       .present = (flags & kPresent) != 0});
  return map_.runs.back().present ? take_pages(message.pages * kPage) : Result<void>();
}

Result<void> PageStream::take_pages(std::uint64_t bytes) {
  while (bytes > 0 && kept_) {
    const std::span<std::byte> room = sink_.room();
    const auto some = room.first(std::min<std::uint64_t>(room.size(), bytes));
    REPRISE_PASS(read(some));
    bytes -= some.size();
    keep([&] { return sink_.take(some.size()); });
  }
  return drop_pages(bytes);
}

Result<void> PageStream::drop_pages(std::uint64_t bytes) {
  std::vector<std::byte> nowhere(bytes > 0 ? 16 * kPage : 0);
  while (bytes > 0) {
    const auto some = std::span(nowhere).first(std::min<std::uint64_t>(nowhere.size(), bytes));
    REPRISE_PASS(read(some));
    bytes -= some.size();
  }
  return {};
}

}  // namespace reprise::engine
