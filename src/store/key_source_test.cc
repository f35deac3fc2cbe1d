// SPDX-License-Identifier: Apache-2.0
//
// While the store's key is exchanged, and wherever that is cut off, the store opens.
#include "store/key_source.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>

#include "store/checkpoint_store.h"
#include "store/test_store.h"
#include "sys/files.h"

namespace reprise::store {
namespace {

constexpr const char* kPoint = "rotate-rewrapped";

class RotateKeyTest : public StoreTest {
 protected:
  ~RotateKeyTest() override { ::unsetenv("REPRISE_FAULT"); }

  // Rotates in a child that meets its end, or an error, between rewrap and rename.
  void rotate_halfway(const std::string& action) {
    sys::Children children;
    children.start([&] {
      ::setenv("REPRISE_FAULT", (std::string(kPoint) + ":" + action).c_str(), 1);
      return rotate_key(at(root_), std::nullopt) ? 1 : 2;
    });
    ASSERT_EQ(children.wait_for_all(), std::vector<int>{action == "kill" ? -1 : 2});
    ASSERT_TRUE(fs::exists(next_));
  }
  // As a session does that starts now.
  void expect_usable() {
    auto opened = open_store(at(root_));
    ASSERT_TRUE(opened) << opened.error().details();
    store_ = std::move(*opened);
    EXPECT_TRUE(store_->verify(before_));
    expect_holds(put({{"pages-1.img", noise(200'000, 5)}}), {{"pages-1.img", noise(200'000, 5)}});
  }

  CheckpointId before_ = put({{"pages-1.img", noise(100'000)}});
  path next_ = directory_.path() / "key.new";
};

TEST_F(RotateKeyTest, TheOldKeyIsGoneAndDataIsTheSame) {
  const std::string old = read(key_);
  EXPECT_EQ(value_of(rotate_key(at(root_), std::nullopt)), key_);
  EXPECT_NE(read(key_), old);
  EXPECT_FALSE(fs::exists(next_));
  expect_usable();
  fs::remove(key_);
  ASSERT_TRUE(sys::create_file(key_, old));
  const auto refused = open_store(at(root_));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kDenied);
}

TEST_F(RotateKeyTest, ASessionThatBeginsInBetweenHasTheKey) {
  sys::Children children;
  const pid_t rotation = children.start([&] {
    ::setenv("REPRISE_FAULT", (std::string(kPoint) + ":stop").c_str(), 1);
    return rotate_key(at(root_), std::nullopt) ? 0 : 1;
  });
  int status = 0;
  ASSERT_EQ(::waitpid(rotation, &status, WUNTRACED), rotation);
  ASSERT_TRUE(WIFSTOPPED(status));
  expect_usable();
  ::kill(rotation, SIGCONT);
  EXPECT_EQ(children.wait_for_all(), std::vector<int>{0});
  EXPECT_FALSE(fs::exists(next_));
  expect_usable();
}

TEST_F(RotateKeyTest, CutOffItLeavesAStoreThatOpensAndIsRepeated) {
  for (const std::string action : {"kill", "fail"}) {
    SCOPED_TRACE(action);
    ASSERT_NO_FATAL_FAILURE(rotate_halfway(action));
    expect_usable();
    const std::string half = read(next_);
    ASSERT_TRUE(rotate_key(at(root_), std::nullopt));
    EXPECT_EQ(read(key_), half) << "the key of the first one was not used";
    EXPECT_FALSE(fs::exists(next_));
    expect_usable();
  }
}

TEST_F(RotateKeyTest, AKeyFromElsewhereIsNotTakenOverInBetween) {
  // It is wrapped with the old key, which goes.
  const std::string theirs = read(root_ / "keys" / "default.json");
  const auto old_key = value_of(load_or_create_key(at(root_)));
  rotate_halfway("kill");
  const auto adopted = crypto::adopt_tenant(root_ / "keys", "default", theirs, old_key);
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().code(), ErrorCode::kDenied);
  ASSERT_TRUE(rotate_key(at(root_), std::nullopt));
  expect_usable();
}

// The first user wrapped its keys with the key that a rotation beside it destroyed: no key was left
// that opens the store, not even for another rotation.
TEST_F(RotateKeyTest, TheFirstUseOfAStoreBesideItHasTheKeyThatStays) {
  for (int round = 0; round < 30; ++round) {
    fs::remove_all(root_);
    fs::remove(key_);
    sys::Children children;
    const auto start = [&](const std::function<bool()>& body) {
      children.start([&children, body] {
        children.wait_for_gate();
        return body() ? 0 : 1;
      });
    };
    for (int i = 0; i < 2; ++i) start([&] { return open_store(at(root_)).has_value(); });
    start([&] { return rotate_key(at(root_), std::nullopt).has_value(); });
    children.open_gate();
    ASSERT_EQ(children.wait_for_all(), (std::vector<int>{0, 0, 0})) << round;
    const auto opened = open_store(at(root_));
    ASSERT_TRUE(opened) << round << ": " << opened.error().details();
    ASSERT_TRUE(rotate_key(at(root_), std::nullopt)) << round;
  }
}

TEST_F(RotateKeyTest, AKeyThatWasCopiedOverThatOfAnEmptyStoreIsAsGood) {
  const path empty = directory_.path() / "empty";
  ASSERT_TRUE(open_store(at(empty)));
  fs::remove(key_);
  ASSERT_TRUE(crypto::create_key_file(key_));
  root_ = empty;
  auto opened = open_store(at(root_));
  ASSERT_TRUE(opened) << opened.error().details();
  store_ = std::move(*opened);
  before_ = put({{"pages-1.img", noise(100'000)}});
  expect_usable();
}

// As on a second machine, which got the first one's key in place of its own.
TEST_F(RotateKeyTest, AKeyThatWasCopiedOverIsFoundBesideTheFile) {
  const path others = key_.string() + ".d";
  fs::create_directory(others);
  fs::rename(key_, others / "old");
  ASSERT_TRUE(crypto::create_key_file(key_));
  ASSERT_TRUE(crypto::create_key_file(others / "another"));
  expect_usable();
  ASSERT_TRUE(rotate_key(at(root_), std::nullopt));
  fs::remove_all(others);
  expect_usable();
}

TEST_F(RotateKeyTest, KeysThatAreGoneAreNotReplacedBesideCheckpoints) {
  const path keys = root_ / "keys/default.json";
  const std::string kept = read(keys);
  fs::remove(keys);
  const auto refused = open_store(at(root_));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kDenied);
  EXPECT_TRUE(refused.error().message().contains(keys.string())) << refused.error().message();
  EXPECT_TRUE(refused.error().hint().contains("put it back")) << refused.error().hint();
  EXPECT_FALSE(fs::exists(keys));
  ASSERT_TRUE(sys::create_file(keys, kept));
  expect_usable();
}

TEST_F(RotateKeyTest, AKeyFileThatIsGoneIsNotReplacedBesideAStore) {
  const std::string kept = read(key_);
  fs::remove(key_);
  for (int again = 0; again < 2; ++again) {
    const auto refused = open_store(at(root_));
    ASSERT_FALSE(refused) << again;
    EXPECT_EQ(refused.error().code(), ErrorCode::kDenied);
    EXPECT_TRUE(refused.error().message().contains(key_.string())) << refused.error().message();
    EXPECT_FALSE(rotate_key(at(root_), std::nullopt));
    EXPECT_FALSE(fs::exists(key_));
  }
  ASSERT_TRUE(sys::create_file(key_, kept));
  expect_usable();
}

TEST_F(RotateKeyTest, WhichKeysThereAreIsToldAndNoneIsMade) {
  const auto id_of = [](const path& file) {
    return crypto::key_id(
               crypto::load_key({.kind = crypto::KeySource::Kind::kFile, .value = file.string()})
                   .value())
        .value();
  };
  fs::create_directories(key_.string() + ".d");
  const path other = key_.string() + ".d/theirs";
  ASSERT_TRUE(crypto::create_key_file(other));
  EXPECT_EQ(value_of(key_ids(at(root_))), (std::vector{id_of(key_), id_of(other)}));
  fs::remove(key_);
  EXPECT_EQ(key_ids(at(root_)).error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(key_));
}

// It was skipped in silence: the store did not open, and nobody knew why.
TEST_F(RotateKeyTest, AKeyBesideTheFileThatOthersMayReadIsNamedWithTheRemedy) {
  const path old = key_.string() + ".d/old";
  fs::create_directory(old.parent_path());
  fs::rename(key_, old);
  fs::permissions(old, fs::perms(0644));
  ASSERT_TRUE(crypto::create_key_file(key_));
  const auto refused = open_store(at(root_));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kDenied);
  EXPECT_TRUE(refused.error().message().contains("'" + old.string() + "' is open to others"))
      << refused.error().message();
  EXPECT_TRUE(refused.error().hint().starts_with("chmod 600 '" + old.string() + "'"))
      << refused.error().hint();
  const auto told = value_of(unreadable_keys(at(root_)));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].hint(), "chmod 600 '" + old.string() + "'");
  fs::permissions(old, fs::perms(0600));
  EXPECT_TRUE(value_of(unreadable_keys(at(root_))).empty());
  expect_usable();
}

TEST_F(RotateKeyTest, WhatLiesAmongTheKeysAndIsNoneIsNamed) {
  const path note = key_.string() + ".d/README";
  fs::create_directory(note.parent_path());
  ASSERT_TRUE(sys::create_file(note, "whose keys these are\n"));
  expect_usable();
  const auto told = value_of(unreadable_keys(at(root_)));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].message().contains(note.string())) << told[0].message();
  EXPECT_FALSE(told[0].hint().empty());
}

TEST_F(RotateKeyTest, AStrangeKeyIsRefused) {
  fs::remove(key_);
  ASSERT_TRUE(crypto::create_key_file(key_));
  ASSERT_TRUE(crypto::create_key_file(next_));
  const auto refused = open_store(at(root_));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kDenied);
  EXPECT_FALSE(refused.error().hint().empty());
}

}  // namespace
}  // namespace reprise::store
