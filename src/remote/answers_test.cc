// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/answers.h"

#include <gtest/gtest.h>

namespace reprise::remote {
namespace {

using base::ErrorCode;

constexpr std::string_view kObjects = R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>
  <Contents><Key>depot/packs/a.pack</Key><Size>12</Size>
    <LastModified>2026-11-18T01:46:40.000Z</LastModified></Contents>
  <Contents><Key>depot/packs/b.pack</Key><Size>18446744073709551615</Size></Contents>
  <Contents><Key>depot/../../etc/passwd</Key><Size>1</Size></Contents>
  <Contents><Key>depot//x</Key><Size>1</Size></Contents>
  <Contents><Key>other/packs/a.pack</Key><Size>1</Size></Contents>
  <Contents><Key>depot/packs/c.pack</Key></Contents>
  <Contents><Key>depot/packs/d.pack</Key><Size>12 or so</Size></Contents>
  <Contents><Key>depot/packs/e.pack</Key><Size>-1</Size></Contents>
</ListBucketResult>)";

TEST(Answers, AListOfObjectsHoldsWhatHasASizeAndANameOfOurs) {
  const auto page = parse_object_page(kObjects, "depot/");
  ASSERT_TRUE(page) << page.error().details();
  EXPECT_EQ(page->objects, (std::vector<ObjectInfo>{
                               {.name = "packs/a.pack", .bytes = 12, .modified = 1'794'966'400'000},
                               {.name = "packs/b.pack", .bytes = 18446744073709551615U}}));
  EXPECT_EQ(page->next, "t1");
}

TEST(Answers, ThePageWithoutAMarkIsTheLast) {
  const auto page = parse_object_page("<ListBucketResult/>", "");
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->objects.empty());
  EXPECT_FALSE(page->next);
  // It says that there is more, and not where: the caller must not take that for the end.
  EXPECT_EQ(parse_part_page("<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>")
                .value()
                .next,
            "");
}

TEST(Answers, UploadsArriveWithTheirTimes) {
  const auto page = parse_upload_page(
      "<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u&amp;1</UploadId>"
      "<Initiated>2026-11-18T01:46:40.123Z</Initiated></Upload><Upload><Key>l</Key></Upload>"
      "<IsTruncated>true</IsTruncated><NextKeyMarker>l</NextKeyMarker>"
      "<NextUploadIdMarker>u2</NextUploadIdMarker></ListMultipartUploadsResult>");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->uploads,
            (std::vector<S3Upload>{{.key = "k", .id = "u&1", .begun = 1'794'966'400'123},
                                   {.key = "l", .id = "", .begun = std::nullopt}}));
  EXPECT_EQ(page->next, (S3UploadPage::Marker{.key = "l", .id = "u2"}));
}

TEST(Answers, PartsArriveAsTheyAreTold) {
  const auto page = parse_part_page(
      "<ListPartsResult><Part><PartNumber>1</PartNumber><Size>5</Size><ETag>\"e\"</ETag></Part>"
      "<Part><PartNumber>first</PartNumber></Part><IsTruncated>false</IsTruncated>"
      "</ListPartsResult>");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->parts, (std::vector<S3Part>{{.number = 1, .bytes = 5, .etag = "\"e\""},
                                              {.number = 0, .bytes = 0, .etag = ""}}));
  EXPECT_FALSE(page->next);
}

TEST(Answers, WhatIsNoXmlIsCorrupt) {
  for (const char* text : {"", "no", "<a", "{}"}) {
    EXPECT_EQ(parse_object_page(text, "").error().code(), ErrorCode::kCorrupt) << text;
    EXPECT_EQ(parse_upload_page(text).error().code(), ErrorCode::kCorrupt) << text;
    EXPECT_EQ(parse_part_page(text).error().code(), ErrorCode::kCorrupt) << text;
    EXPECT_EQ(parse_upload_id(text).error().code(), ErrorCode::kCorrupt) << text;
    EXPECT_EQ(s3_error_code(text), "") << text;
  }
  EXPECT_EQ(parse_upload_id("<InitiateMultipartUploadResult><UploadId>7</UploadId>"
                            "</InitiateMultipartUploadResult>")
                .value(),
            "7");
  EXPECT_EQ(s3_error_code("<Error><Code>NoSuchKey</Code></Error>"), "NoSuchKey");
}

TEST(Answers, APeersListIsSortedAndHoldsNamesOfOurs) {
  const auto list = parse_peer_list(
      R"({"objects": [{"name": "packs/b.pack", "bytes": 2}, {"name": "packs/a.pack", "bytes": 1},
          {"name": "packs/../keys/x", "bytes": 3}, {"name": "keys/x", "bytes": 4}], "more": 1})",
      "packs/");
  ASSERT_TRUE(list) << list.error().details();
  EXPECT_EQ(*list, (std::vector<ObjectInfo>{{.name = "packs/a.pack", .bytes = 1},
                                            {.name = "packs/b.pack", .bytes = 2}}));
}

TEST(Answers, OneBadEntryOfAPeerMakesItsListCorrupt) {
  for (const char* text :
       {"", "[]", "{}", R"({"objects": {}})", R"({"objects": [1]})",
        R"({"objects": [{"name": "packs/a.pack"}]})", R"({"objects": [{"bytes": 1}]})",
        R"({"objects": [{"name": "packs/a.pack", "bytes": -1}]})",
        R"({"objects": [{"name": "packs/a.pack", "bytes": "1"}]})"})
    EXPECT_EQ(parse_peer_list(text, "").error().code(), ErrorCode::kCorrupt) << text;
}

}  // namespace
}  // namespace reprise::remote
