// SPDX-License-Identifier: Apache-2.0
#include "oci/annotations.h"

#include <gtest/gtest.h>

namespace reprise::oci {
namespace {

TEST(Wishes, DefaultsToPlainStops) {
  const Wishes wishes = parse_wishes({}).value();
  EXPECT_FALSE(wishes.checkpoint_on_stop);
  EXPECT_EQ(wishes.on_restore_failure, OnRestoreFailure::kFail);
  EXPECT_EQ(wishes.io_uring, IoUring::kDeny);
  EXPECT_EQ(wishes.stop_signal, 15);
  EXPECT_EQ(wishes.freeze_limit, std::chrono::seconds(300));
}

TEST(Wishes, ReadsAnnotations) {
  const Wishes wishes = parse_wishes({{"reprise.dev/on-stop", "checkpoint"},
                                      {"reprise.dev/on-restore-failure", "cold"},
                                      {"reprise.dev/io-uring", "allow"},
                                      {"reprise.dev/volumes", "include"},
                                      {"reprise.dev/fill-volumes", "3f2a"},
                                      {"reprise.dev/freeze-limit", "20"},
                                      {"org.opencontainers.image.stopSignal", "SIGINT"}})
                            .value();
  EXPECT_TRUE(wishes.checkpoint_on_stop);
  EXPECT_EQ(wishes.on_restore_failure, OnRestoreFailure::kStartCold);
  EXPECT_EQ(wishes.io_uring, IoUring::kAllow);
  EXPECT_EQ(wishes.stop_signal, 2);
  EXPECT_TRUE(wishes.include_volumes);
  EXPECT_EQ(wishes.fill_volumes_from, "3f2a");
  EXPECT_FALSE(parse_wishes({}).value().include_volumes);
  EXPECT_FALSE(parse_wishes({{"reprise.dev/volumes", "yes"}}));
  EXPECT_EQ(wishes.freeze_limit, std::chrono::seconds(20));
}

TEST(Wishes, RefusesAFreezeLimitThatIsNone) {
  for (const char* text : {"", "0", "-1", "1.5", "20s", "86401", "99999999999"}) {
    const auto wishes = parse_wishes({{"reprise.dev/freeze-limit", text}});
    ASSERT_FALSE(wishes) << text;
    EXPECT_EQ(wishes.error().code(), base::ErrorCode::kInvalidInput);
    EXPECT_EQ(wishes.error().hint(), "use one of: whole seconds from 1 to 86400");
  }
}

TEST(Wishes, NamesTheAnnotationAndWhatItCanBe) {
  const auto wishes = parse_wishes({{"reprise.dev/on-stop", "checkpiont"}});
  ASSERT_FALSE(wishes);
  EXPECT_EQ(wishes.error().code(), base::ErrorCode::kInvalidInput);
  EXPECT_EQ(wishes.error().message(),
            "annotation 'reprise.dev/on-stop' has the unknown value 'checkpiont'");
  EXPECT_EQ(wishes.error().hint(), "use one of: checkpoint, signal");
  EXPECT_FALSE(parse_wishes({{"reprise.dev/io-uring", "yes"}}));
  EXPECT_FALSE(parse_wishes({{"reprise.dev/mptcp", "yes"}}));
}

TEST(Annotations, ThoseThatAreNoneOfOursAreRefused) {
  const auto mistyped = check_annotations({{"reprise.dev/on_stop", "checkpoint"}});
  ASSERT_FALSE(mistyped);
  EXPECT_EQ(mistyped.error().code(), base::ErrorCode::kInvalidInput);
  EXPECT_EQ(mistyped.error().message(), "there is no annotation 'reprise.dev/on_stop'");
  EXPECT_TRUE(mistyped.error().hint().contains("'reprise.dev/on-stop' (checkpoint, signal)"));
  EXPECT_FALSE(check_annotations({{"reprise.dev/volumes", "yes"}}));
  // Nothing of others is ours to judge.
  EXPECT_TRUE(check_annotations({{"reprise.dev/on-stop", "checkpoint"},
                                 {"org.opencontainers.image.stopSignal", "no signal"},
                                 {"example.org/on_stop", "x"}}));
}

TEST(Annotations, AKeyIsAName) {
  EXPECT_EQ(key_name({{"reprise.dev/key", "web"}}).str(), "web");
  EXPECT_TRUE(key_name({}).empty());
  EXPECT_TRUE(key_name({{"reprise.dev/key", "no key"}}).empty());
  for (const char* good : {"web", "unit:a@1.service:web", "A_.-9"})
    EXPECT_TRUE(check_key_name(good)) << good;
  for (const char* bad : {"", "a/b", "a b", "\n"}) EXPECT_FALSE(check_key_name(bad)) << bad;
  EXPECT_FALSE(check_key_name(std::string(129, 'a')));
  EXPECT_EQ(as_key_name("a\\x/b.c"), "a_x_b.c");
}

// An opted-in container whose configuration was nested deeper than we read started as one that is
// not: cold, and without a checkpoint at its end.
TEST(Wishes, TellsThatItAsksForCheckpointsHoweverDeepTheRest) {
  const auto with = [](const std::string& annotations, std::size_t depth) {
    return R"({"x":)" + std::string(depth, '[') + std::string(depth, ']') + R"(,"annotations":)" +
           annotations + "}";
  };
  for (const std::size_t depth : {1U, 200U, 9'000U, 1'000'000U}) {
    EXPECT_TRUE(asks_for_checkpoints(with(R"({"reprise.dev/on-stop":"checkpoint"})", depth)));
    EXPECT_FALSE(asks_for_checkpoints(with(R"({"reprise.dev/on-stop":"signal"})", depth)));
    EXPECT_FALSE(asks_for_checkpoints(with("null", depth)));
  }
  for (const char* text : {"", "[]", "{", R"({"annotations":[]})"})
    EXPECT_FALSE(asks_for_checkpoints(text));
}

}  // namespace
}  // namespace reprise::oci
