// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"

#include <gtest/gtest.h>

#include <set>
#include <type_traits>

namespace reprise::base {
namespace {

static_assert(!std::is_convertible_v<ContainerId, CheckpointId>);
static_assert(!std::is_convertible_v<std::string, SessionId>);

TEST(IdTest, ComparesByValue) {
  EXPECT_EQ(ContainerId("a"), ContainerId("a"));
  EXPECT_LT(ContainerId("a"), ContainerId("b"));
  EXPECT_TRUE(ContainerId().empty());
  EXPECT_EQ(ContainerId("x").str(), "x");
}

static_assert(!std::is_constructible_v<CheckpointId, std::string>);
static_assert(!std::is_constructible_v<CheckpointId, std::string_view>);

TEST(IdTest, IsMadeOfTextThatIsOne) {
  EXPECT_EQ(SessionId::parse("a-1").value(), SessionId("a-1"));
  EXPECT_EQ(SessionId::parse("../a").error().code(), ErrorCode::kInvalidInput);
  EXPECT_FALSE(SessionId::parse(""));
  EXPECT_TRUE(SessionId::parse_optional("").value().empty());
  EXPECT_FALSE(SessionId::parse_optional("a/b"));
  EXPECT_NE(SessionId::random(), SessionId::random());
  EXPECT_TRUE(parse_id(SessionId::random().str()));
}

TEST(IdTest, AKeyIsAnIdOrANameInAScope) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {"web"sv, "@web"sv, "@compose:shop:db@1"sv, "k8s.io/web"sv,
                                      "k8s.io/@web"sv, "/run/any place/\xC3\xA4/web"sv, "//web"sv})
    EXPECT_EQ(ContainerKey::parse(text).value().str(), text);
  for (const std::string_view text : {""sv, "@"sv, "@a b"sv, "a b"sv, "a/"sv, "/web"sv, "a/.."sv,
                                      "a/@"sv, "a\0/web"sv, "a/b@"sv, "a\n"sv})
    EXPECT_FALSE(ContainerKey::parse(text)) << text;
  EXPECT_FALSE(KeyName::parse(std::string(129, 'x')));
}

TEST(IdTest, AKeyIsMadeOfItsParts) {
  EXPECT_EQ(key_in("", ContainerId("web")), ContainerKey("web"));
  EXPECT_EQ(key_in("/x/y", ContainerId("web")), ContainerKey("/x/y/web"));
  EXPECT_EQ(key_in("k8s.io", KeyName("web")), ContainerKey("k8s.io/@web"));
  EXPECT_TRUE(key_in("k8s.io", ContainerId()).empty());
  EXPECT_TRUE(key_in("k8s.io", KeyName()).empty());
}

TEST(IdTest, RandomIdsAreValidShortAndDiffer) {
  std::set<std::string> seen;
  constexpr int kMany = 2000;
  for (int i = 0; i < kMany; ++i) {
    const std::string id = random_id();
    ASSERT_EQ(id.size(), 12U);
    ASSERT_TRUE(id[0] >= 'a' && id[0] <= 'z') << id;
    ASSERT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), std::string::npos);
    ASSERT_TRUE(parse_id(id));
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kMany));
}

TEST(IdTest, ParseAcceptsWhatPodmanAndWeUse) {
  for (const char* text : {"a", "_x", "web-1", "A.b_c-9", "0123456789abcdef"})
    EXPECT_EQ(parse_id(text).value(), text);
  EXPECT_TRUE(parse_id(std::string(128, 'x')));
}

// Ids become file names: nothing that could leave its directory or hide may pass.
TEST(IdTest, ParseRefusesWhatIsNoSafeFileName) {
  using namespace std::string_view_literals;
  const std::string_view cases[] = {""sv,    "."sv,   ".."sv,   ".x"sv, "-rf"sv, "a/b"sv,
                                    "a b"sv, "a\n"sv, "a\0b"sv, "ä"sv,  "a:b"sv};
  for (const std::string_view text : cases) {
    const Result<std::string> parsed = parse_id(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidInput);
  }
  EXPECT_FALSE(parse_id(std::string(129, 'x')));
}

}  // namespace
}  // namespace reprise::base
