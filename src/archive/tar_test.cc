// SPDX-License-Identifier: Apache-2.0
#include "archive/tar.h"

#include "archive/internal/test_archive.h"

namespace reprise::archive {
namespace {

using base::ErrorCode;

std::string noise(std::size_t bytes) {
  std::string text(bytes, '\0');
  unsigned state = 1;
  for (char& c : text) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
  return text;
}

TEST(TarTest, WhatIsWrittenIsReadInEveryCompression) {
  Item rich = with_xattr(file("data/näme", noise(700'000)), "user.reprise", std::string("a\0b", 3));
  rich.entry.set_owner(1234, 5'000'000);
  rich.entry.set_mode(04750);
  rich.entry.set_mtime(981'173'106, 789'000'001);
  const std::string long_name = std::string(200, 'd') + "/" + std::string(250, 'f');
  for (const Compression compression :
       {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
    const auto items = read_tar(
        make_tar({directory("data"), rich, hard_link("again", "data/näme"), symlink("l", "/etc/x"),
                  device("fifo", Kind::kFifo, 0, 0), device("gone", Kind::kCharacterDevice, 0, 0),
                  file(long_name, ""), file("raw\xff", "y")},
                 compression));
    ASSERT_EQ(items.size(), 8U);
    EXPECT_EQ(items[1].entry.name(), "data/näme");
    EXPECT_EQ(items[1].contents, rich.contents);
    EXPECT_EQ(items[1].entry.xattr("user.reprise"), std::string("a\0b", 3));
    EXPECT_EQ(items[1].entry.uid(), 1234);
    EXPECT_EQ(items[1].entry.gid(), 5'000'000);
    EXPECT_EQ(items[1].entry.mtime(), 981'173'106);
    EXPECT_EQ(items[2].entry.kind(), Kind::kHardLink);
    EXPECT_EQ(items[2].entry.link_target(), "data/näme");
    EXPECT_EQ(items[3].entry.link_target(), "/etc/x");
    EXPECT_EQ(items[4].entry.kind(), Kind::kFifo);
    EXPECT_TRUE(items[5].entry.is_whiteout());
    EXPECT_EQ(items[6].entry.name(), long_name);
    EXPECT_EQ(items[7].entry.name(), "raw\xff");
    EXPECT_EQ(items[7].contents, "y");
  }
}

// Everything that an archive can lose at its end, also exactly between two entries, where a tar
// reader by itself sees nothing wrong.
TEST(TarTest, EveryTruncationIsFound) {
  for (const Compression compression :
       {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
    const std::string whole =
        make_tar({file("a", noise(1000)), file("b", noise(512))}, compression);
    const std::size_t end = compression == Compression::kNone ? whole.size() - 1024 : whole.size();
    for (std::size_t size = 0; size <= end; size += compression == Compression::kNone ? 64 : 7) {
      TarReader reader = TarReader::open(read_text(whole.substr(0, size))).value();
      Result<std::optional<Entry>> entry = std::nullopt;
      Result<std::uint64_t> copied = 0;
      do {
        entry = reader.next();
        if (entry && *entry) copied = copy_contents(reader, [](auto) { return Result<void>(); });
      } while (entry && *entry && copied);
      const auto& error = entry ? copied.error() : entry.error();
      ASSERT_FALSE(entry && copied) << size << " of " << whole.size() << " bytes";
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    }
  }
}

TEST(TarTest, WhatIsNoArchiveIsRefused) {
  for (const std::string& text :
       {std::string("not an archive"), std::string(4096, 'x'), noise(100'000), std::string(),
        std::string("\x28\xb5\x2f\xfd broken zstd"), std::string("PK\x03\x04 a zip")}) {
    TarReader reader = TarReader::open(read_text(text)).value();
    expect_refused(reader.next(), "not a readable tar archive");
  }
}

TEST(TarTest, ADamagedHeaderIsRefused) {
  std::string text = make_tar({file("first"), file("second")});
  text[text.find("second")] ^= 1;
  TarReader reader = TarReader::open(read_text(text)).value();
  Result<std::optional<Entry>> entry = std::nullopt;
  do entry = reader.next();
  while (entry && *entry);
  expect_refused(entry, "Damaged tar archive");
}

TEST(TarTest, ErrorsOfSourceAndDestinationComeThrough) {
  const auto failing = [](auto) { return base::fail(ErrorCode::kDenied, "no more"); };
  TarReader reader =
      TarReader::open([&](std::span<char>) -> Result<std::size_t> { return failing(0); }).value();
  EXPECT_EQ(reader.next().error().code(), ErrorCode::kDenied);
  TarWriter writer =
      TarWriter::open([&](std::span<const char>) -> Result<void> { return failing(0); },
                      Compression::kNone)
          .value();
  Item big = file("big", noise(2'000'000));
  const auto written = writer.begin(big.entry) ? writer.write(big.contents) : Result<void>();
  const auto finished = written ? writer.finish() : written;
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code(), ErrorCode::kDenied);
}

TEST(TarTest, AFileOfAnotherLengthThanDeclaredIsNoArchive) {
  std::string text;
  TarWriter writer = TarWriter::open(append_to(text), Compression::kNone).value();
  ASSERT_TRUE(writer.begin(Entry::file("a", 3)));
  EXPECT_EQ(writer.write(std::string_view("abcd")).error().code(), ErrorCode::kInternal);
  ASSERT_TRUE(writer.write(std::string_view("ab")));
  EXPECT_EQ(writer.begin(Entry::file("b", 0)).error().code(), ErrorCode::kInternal);
  EXPECT_EQ(writer.finish().error().code(), ErrorCode::kInternal);
}

TEST(TarTest, AWriterThatIsDroppedLeavesNoWholeArchive) {
  std::string text;
  {
    TarWriter writer = TarWriter::open(append_to(text), Compression::kNone).value();
    ASSERT_TRUE(writer.begin(Entry::file("a", 0)));
  }
  TarReader reader = TarReader::open(read_text(text)).value();
  Result<std::optional<Entry>> entry = reader.next();
  if (entry && *entry) entry = reader.next();
  EXPECT_FALSE(entry);
}

}  // namespace
}  // namespace reprise::archive
