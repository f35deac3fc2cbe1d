// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/page_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "sys/test_directory.h"
#include "sys/unique_fd.h"

namespace reprise::engine {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;
using image::CriuPageRun;

constexpr std::size_t kPage = 4096;
constexpr std::uint32_t kInParent = 1;
constexpr std::uint32_t kLazy = 2;
constexpr std::uint32_t kPresent = 4;

// Keeps in memory what it is given, and fails where it is told to.
class Sink final : public image::PageSink {
 public:
  const std::filesystem::path& spool() const override { return directory_.path(); }
  Result<void> restart() override { return {}; }
  Result<void> begin_pages(std::string name) override {
    open_ = std::move(name);
    pages[open_];
    return {};
  }
  std::span<std::byte> room() override { return room_; }
  Result<void> take(std::size_t bytes) override {
    if (full) return base::fail(ErrorCode::kIo, "the disk is full");
    pages[open_].append(reinterpret_cast<const char*>(room_.data()), bytes);
    return {};
  }
  Result<void> absorb() override { return {}; }

  std::string file(const std::string& name) const {
    std::ifstream stream(spool() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::map<std::string, std::string> pages;
  bool full = false;

 private:
  sys::TestDirectory directory_{};
  std::vector<std::byte> room_ = std::vector<std::byte>(3 * kPage);
  std::string open_;
};

enum class Form : std::uint8_t { kOld, kNew };

class PageStreamTest : public testing::TestWithParam<Form> {
 protected:
  static std::string message(std::uint32_t command, std::uint64_t space, std::uint64_t address = 0,
                             std::uint64_t pages = 0) {
    std::vector<std::byte> bytes(GetParam() == Form::kOld ? 24 : 32);
    const std::span all(bytes);
    base::put_u32(all, command);
    if (GetParam() == Form::kOld)
      base::put_u32(all.subspan(4), static_cast<std::uint32_t>(pages));
    else
      base::put_u64(all.subspan(8), pages);
    base::put_u64(all.subspan(bytes.size() - 16), address);
    base::put_u64(all.subspan(bytes.size() - 8), space);
    return std::string(base::as_text(bytes));
  }
  static std::string add(std::uint64_t space, std::uint64_t address, std::uint64_t pages,
                         std::uint32_t flags = kPresent) {
    return message(flags << 16U | 6, space, address, pages);
  }
  static std::string open(std::uint64_t space) { return message(4, space); }
  static std::string close() { return message(0x1023, 0); }

  // What came of these bytes, after which CRIU hangs up.
  Result<void> serve(const std::string& bytes) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const sys::UniqueFd criu(ends[0]);
    Result<void> served{};
    std::thread server([&, ours = sys::UniqueFd(ends[1])]() mutable {
      served = PageStream(ours.get(), sink_).serve();
      ours.reset();
    });
    for (std::string_view left = bytes; !left.empty();) {
      const ssize_t n = ::send(criu.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (n < 0) break;  // it has given up
      left.remove_prefix(static_cast<std::size_t>(n));
    }
    ::shutdown(criu.get(), SHUT_WR);
    server.join();
    char block[64];
    for (ssize_t n = 0; (n = ::recv(criu.get(), block, sizeof block, 0)) > 0;)
      answers_.append(block, static_cast<std::size_t>(n));
    return served;
  }
  ErrorCode refused(const std::string& bytes) {
    const Result<void> served = serve(bytes);
    EXPECT_FALSE(served);
    return served ? ErrorCode::kInternal : served.error().code();
  }

  static constexpr std::uint64_t kSpace = 17U << 8U | 1U;
  static constexpr std::uint64_t kShared = 5U << 8U | 2U;
  static std::string text(char c, std::size_t pages) { return std::string(pages * kPage, c); }

  Sink sink_;
  std::string answers_;
};

TEST_P(PageStreamTest, SpacesBecomeMapsAndPages) {
  const auto served =
      serve(open(kSpace) + add(kSpace, 0x10000, 5, kPresent | kLazy) + text('a', 5) +
            add(kSpace, 0x20000, 1) + text('b', 1) + message(5, kShared) + open(kShared) +
            add(kShared, 0, 2) + text('c', 2) + close());
  ASSERT_TRUE(served) << served.error().details();
  EXPECT_EQ(sink_.pages.at("pages-1.img"), text('a', 5) + text('b', 1));
  EXPECT_EQ(sink_.pages.at("pages-2.img"), text('c', 2));
  const auto map = image::decode_pagemap(sink_.file("pagemap-17.img"));
  ASSERT_TRUE(map);
  EXPECT_EQ(map->file, 1U);
  EXPECT_EQ(map->runs, (std::vector<CriuPageRun>{
                           {.address = 0x10000, .pages = 5, .lazy = true, .present = true},
                           {.address = 0x20000, .pages = 1, .lazy = false, .present = true}}));
  EXPECT_EQ(image::decode_pagemap(sink_.file("pagemap-shmem-5.img"))->file, 2U);
  // One byte for each space, a number for the question, and one for the end.
  EXPECT_EQ(answers_, std::string(1 + 4 + 1 + 4, '\0'));
}

TEST_P(PageStreamTest, SharedMemoryMayHaveTheNumberZero) {
  constexpr std::uint64_t kFirst = 0U << 8U | 2U;
  ASSERT_TRUE(serve(open(kFirst) + add(kFirst, 0, 1) + text('s', 1) + close()));
  EXPECT_EQ(sink_.pages.at("pages-1.img"), text('s', 1));
  EXPECT_TRUE(image::decode_pagemap(sink_.file("pagemap-shmem-0.img")));
}

TEST_P(PageStreamTest, NothingIsWellToo) {
  EXPECT_TRUE(serve(close()));
  EXPECT_TRUE(sink_.pages.empty());
  EXPECT_EQ(answers_, std::string(4, '\0'));
}

TEST_P(PageStreamTest, AnEndInTheMiddleIsNoEnd) {
  // Each begins a space of its own.
  auto whole = [space = kSpace]() mutable {
    space += 0x100;
    return open(space) + add(space, 0x10000, 1) + text('a', 1) + close();
  };
  const std::size_t all = whole().size();
  for (const std::size_t missing : {all, all - 10, kPage + close().size() + 1, close().size() + 1,
                                    close().size(), std::size_t{1}}) {
    SCOPED_TRACE(missing);
    EXPECT_EQ(refused(whole().substr(0, all - missing)), ErrorCode::kGone);
  }
}

TEST_P(PageStreamTest, OfASinkThatFailsCriuHearsAtTheEnd) {
  sink_.full = true;
  EXPECT_EQ(refused(open(kSpace) + add(kSpace, 0x10000, 100) + text('a', 100) +
                    add(kSpace, 0x80000, 1) + text('b', 1) + close()),
            ErrorCode::kIo);
  EXPECT_EQ(answers_, std::string(1, '\0') + std::string(4, '\xff'));
}

TEST_P(PageStreamTest, OtherTalkIsRefused) {
  EXPECT_EQ(refused(open(kSpace) + message(77, kSpace)), ErrorCode::kCorrupt);
}
TEST_P(PageStreamTest, PagesOfASpaceThatIsNotOpenAreRefused) {
  EXPECT_EQ(refused(open(kSpace) + add(kShared, 0, 1)), ErrorCode::kCorrupt);
}
TEST_P(PageStreamTest, ASpaceTwiceIsRefused) {
  EXPECT_EQ(refused(open(kSpace) + open(kShared) + open(kSpace)), ErrorCode::kCorrupt);
}
TEST_P(PageStreamTest, ASpaceOfAnUnknownKindIsRefused) {
  EXPECT_EQ(refused(open(17U << 8U | 3U)), ErrorCode::kCorrupt);
  EXPECT_EQ(refused(open(0U << 8U | 1U)), ErrorCode::kCorrupt);
}
TEST_P(PageStreamTest, PagesBeyondAllAddressesAreRefused) {
  EXPECT_EQ(refused(open(kSpace) + add(kSpace, ~std::uint64_t{4095}, 2)), ErrorCode::kCorrupt);
}
TEST_P(PageStreamTest, PagesOfAnEarlierImageAreRefused) {
  EXPECT_EQ(refused(open(kSpace) + add(kSpace, 0x10000, 1, kInParent)), ErrorCode::kUnsupported);
}

INSTANTIATE_TEST_SUITE_P(Forms, PageStreamTest, testing::Values(Form::kOld, Form::kNew),
                         [](const auto& form) {
                           return form.param == Form::kOld ? "Before421" : "From421";
                         });

}  // namespace
}  // namespace reprise::engine
