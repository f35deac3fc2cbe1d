// SPDX-License-Identifier: Apache-2.0
//
// Packs at a remote that nothing needs, and pushes that come in between.
#include "transfer/remote_gc.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>

#include "store/test_store.h"
#include "transfer/internal/test_busy_place.h"
#include "transfer/transfer.h"

namespace reprise::transfer {
namespace {

namespace fs = std::filesystem;
using base::CheckpointId;
using base::ErrorCode;
using std::filesystem::path;
using store::entries;
using store::noise;
using store::read;
using store::write;
using sys::value_of;

constexpr RemoteGcOptions kAtOnce{.grace = std::chrono::milliseconds(0)};
constexpr const char* kGcPoints[] = {"remote-gc-announced", "remote-gc-looked",
                                     "remote-gc-removed"};

class RemoteGcTest : public store::StoreTest {
 protected:
  RemoteGcTest() { depot_ = remote::open_directory(place_); }

  Result<Pushed> push(const CheckpointId& id) {
    return push_checkpoint(at(root_), id, "a note", *depot_, {});
  }
  Result<RemoteCollected> gc(const RemoteGcOptions& options = kAtOnce) {
    return collect_remote(at(root_), *depot_, options);
  }
  // Two checkpoints that share a pack; the first was pushed and removed there, so that its pack is
  // there for nothing.
  void leave_a_useless_pack() {
    first_ = put({{"pages-1.img", memory_}});
    useless_ = entries(packs()).front();
    memory_.replace(100'000, 50'000, noise(50'000, 9));
    second_ = put({{"pages-1.img", memory_}});
    for (const std::string& name : entries(packs()))
      if (name != useless_) own_ = name;
    ASSERT_TRUE(push(first_));
    ASSERT_TRUE(remove_remote_checkpoint(first_, *depot_));
  }
  [[nodiscard]] std::vector<std::string> packs_there() const { return entries(place_ / "packs"); }
  [[nodiscard]] bool is_useless_there() const { return fs::exists(place_ / "packs" / useless_); }
  // A new store can make the checkpoint again of what lies there.
  void expect_whole(const CheckpointId& id) {
    const path other = directory_.path() / ("other-" + std::to_string(++others_));
    const auto pulled = pull_checkpoint(at(other), id, *depot_, {});
    ASSERT_TRUE(pulled) << pulled.error().details();
    EXPECT_EQ(pulled->note, "a note");
    EXPECT_TRUE(value_of(store::open_store(at(other)))->verify(id));
    fs::remove_all(other);
  }
  // By the clock of the place.
  static void make_older(const path& file, std::chrono::hours by) {
    const timespec time{.tv_sec = std::time(nullptr) - std::chrono::seconds(by).count(),
                        .tv_nsec = 0};
    const timespec both[] = {time, time};
    ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), both, 0), 0);
  }
  // What somebody on another host announces.
  path announce(const std::string& kind, const std::string& object) {
    const path file = place_ / "notices/elsewhere";
    fs::create_directories(file.parent_path());
    write(file, nlohmann::json{{"format", "reprise-notice"},
                               {"version", 1},
                               {"kind", kind},
                               {"host", "another"},
                               {"pid", 1},
                               {"start_ticks", 1},
                               {"objects", {object}}}
                    .dump());
    return file;
  }
  // A child that stops when it comes to this point; goes on with SIGCONT.
  pid_t start_and_stop(sys::Children& children, const char* point,
                       const std::function<int()>& body) {
    const path once = directory_.path() / "stop-once";
    write(once, "");
    const pid_t child = children.start([&] {
      ::setenv("REPRISE_FAULT", (std::string(point) + ":stop:" + once.string()).c_str(), 1);
      return body();
    });
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, WUNTRACED), child);
    EXPECT_TRUE(WIFSTOPPED(status)) << point;
    return child;
  }

  path place_ = directory_.path() / "depot";
  std::unique_ptr<remote::ObjectStore> depot_;
  std::string memory_ = noise(3'000'001);
  CheckpointId first_, second_;
  std::string useless_;  // file name of the pack that both need
  std::string own_;      // of the one that only the second needs
  int others_ = 0;
};

TEST_F(RemoteGcTest, WhatNoCheckpointThereNeedsIsFreed) {
  leave_a_useless_pack();
  const CheckpointId kept = put({{"pages-1.img", noise(1'000'000, 3)}});
  ASSERT_TRUE(push(kept));
  write(place_ / "notes/gone", "of a checkpoint whose removal was killed");
  write(place_ / "packs/.abcdefghij01", "of an upload that was killed, or is under way");
  const RemoteCollected would = value_of(gc({.grace = kAtOnce.grace, .dry_run = true}));
  EXPECT_EQ(would.packs, 1U);
  EXPECT_TRUE(is_useless_there());
  const RemoteCollected collected = value_of(gc());
  EXPECT_EQ(collected.packs, 1U);
  EXPECT_EQ(collected.bytes, would.bytes);
  EXPECT_GT(collected.bytes, 3'000'000U);
  EXPECT_FALSE(is_useless_there());
  EXPECT_EQ(entries(place_ / "notes"), std::vector{kept.str()});
  EXPECT_TRUE(entries(place_ / "notices").empty());
  EXPECT_TRUE(fs::exists(place_ / "packs/.abcdefghij01"));
  make_older(place_ / "packs/.abcdefghij01", std::chrono::hours(25));
  const RemoteCollected again = value_of(gc());
  EXPECT_EQ(again.packs, 0U);
  EXPECT_EQ(again.unfinished, 1U);
  EXPECT_FALSE(fs::exists(place_ / "packs/.abcdefghij01"));
  expect_whole(kept);
  // What shares pages with what was removed is sent whole.
  EXPECT_EQ(value_of(push(second_)).packs, 2U);
  EXPECT_EQ(value_of(gc()).packs, 0U);
  expect_whole(second_);
}

TEST_F(RemoteGcTest, AStoreIsNoRemote) {
  const CheckpointId id = put_some();
  ASSERT_TRUE(store_->remove(id));
  const auto own = remote::open_directory(root_);
  EXPECT_EQ(collect_remote(at(root_), *own, kAtOnce).error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(entries(packs()).size(), 1U);
}

TEST_F(RemoteGcTest, YoungPacksStay) {
  leave_a_useless_pack();
  const RemoteCollected early = value_of(gc({}));
  EXPECT_EQ(early.packs, 0U);
  EXPECT_EQ(early.young, 1U);
  make_older(place_ / "packs" / useless_, std::chrono::hours(23));
  EXPECT_EQ(value_of(gc({})).young, 1U);
  make_older(place_ / "packs" / useless_, std::chrono::hours(25));
  EXPECT_EQ(value_of(gc({})).packs, 1U);
}

TEST_F(RemoteGcTest, NothingIsRemovedThatAnUnreadableCheckpointMayNeed) {
  leave_a_useless_pack();
  ASSERT_TRUE(push(second_));
  ASSERT_TRUE(remove_remote_checkpoint(second_, *depot_));
  ASSERT_TRUE(push(first_));
  // Of a store with another key.
  const path stranger = directory_.path() / "stranger";
  key_ = directory_.path() / "stranger-key";
  ASSERT_TRUE(value_of(store::open_store(at(stranger)))->begin({}));
  const auto denied = collect_remote(at(stranger), *depot_, kAtOnce);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code(), ErrorCode::kDenied);
  EXPECT_NE(denied.error().message().find("'" + first_.str() + "'"), std::string::npos)
      << denied.error().message();
  EXPECT_FALSE(denied.error().hint().empty());
  key_ = directory_.path() / "key";
  // Damaged.
  const path file = place_ / "checkpoints" / first_.str();
  const std::string whole = read(file);
  write(file, whole.substr(0, whole.size() - 1));
  const auto corrupt = gc();
  EXPECT_EQ(corrupt.error().code(), ErrorCode::kCorrupt) << corrupt.error().message();
  EXPECT_EQ(packs_there().size(), 2U);
  EXPECT_TRUE(entries(place_ / "notices").empty());
  write(file, whole);
  EXPECT_EQ(value_of(gc()).packs, 1U);
  expect_whole(first_);
}

TEST_F(RemoteGcTest, KilledAtAnyStepItLeavesWhatIsNeededAndCanBeRepeated) {
  leave_a_useless_pack();
  const CheckpointId kept = put({{"pages-1.img", noise(1'000'000, 3)}});
  ASSERT_TRUE(push(kept));
  for (const char* action : {":fail", ":kill"})
    for (const char* point : {"remote-gc-chosen", kGcPoints[0], kGcPoints[1], kGcPoints[2]}) {
      ASSERT_TRUE(push(first_)) << point << action;
      ASSERT_TRUE(remove_remote_checkpoint(first_, *depot_));
      const bool killed = std::string(action) == ":kill";
      sys::Children children;
      children.start([&] {
        ::setenv("REPRISE_FAULT", (std::string(point) + action).c_str(), 1);
        return gc() ? 1 : 2;
      });
      ASSERT_EQ(children.wait_for_all(), std::vector<int>{killed ? -1 : 2}) << point;
      EXPECT_EQ(entries(place_ / "notices").size(), killed ? 1U : 0U) << point << action;
      expect_whole(kept);
      // Nobody waits for the dead.
      ASSERT_TRUE(push(second_)) << point << action;
      expect_whole(second_);
      ASSERT_TRUE(remove_remote_checkpoint(second_, *depot_));
      const auto again = gc();
      ASSERT_TRUE(again) << point << action << again.error().details();
      EXPECT_TRUE(entries(place_ / "notices").empty()) << point << action;
      EXPECT_EQ(packs_there().size(), 1U) << point << action;
      expect_whole(kept);
    }
}

// The whole push falls into a gc, whatever that is doing.
TEST_F(RemoteGcTest, APushDuringAGcIsWholeOrFails) {
  leave_a_useless_pack();
  for (const char* point : kGcPoints) {
    sys::Children children;
    const pid_t child = start_and_stop(children, point, [this] { return gc() ? 0 : 1; });
    const auto pushed = push(second_);
    ASSERT_FALSE(pushed) << point;
    EXPECT_EQ(pushed.error().code(), ErrorCode::kBusy) << pushed.error().message();
    EXPECT_NE(pushed.error().message().find(".pack'"), std::string::npos);
    EXPECT_FALSE(fs::exists(place_ / "checkpoints" / second_.str())) << point;
    // One that needs nothing of it is not in its way.
    const CheckpointId unrelated = put({{"pages-1.img", noise(500'000, 4)}});
    EXPECT_TRUE(push(unrelated)) << point;
    ::kill(child, SIGCONT);
    ASSERT_EQ(children.wait_for_all(), std::vector<int>{0}) << point;
    EXPECT_FALSE(is_useless_there()) << point;
    expect_whole(unrelated);
    ASSERT_TRUE(push(second_)) << point;
    expect_whole(second_);
    ASSERT_TRUE(remove_remote_checkpoint(second_, *depot_));
  }
}

TEST_F(RemoteGcTest, ANoticeThatIsNestedDeepIsToldAndKeepsEverything) {
  leave_a_useless_pack();
  const std::string nested = std::string(3'000'000, '[') + std::string(3'000'000, ']');
  fs::create_directories(place_ / "notices");
  write(place_ / "notices/elsewhere", R"({"format":"reprise-notice","objects":)" + nested + "}");
  const auto collected = gc();
  ASSERT_FALSE(collected);
  EXPECT_NE(collected.error().details().find("notices/elsewhere"), std::string::npos);
  EXPECT_TRUE(is_useless_there());
}

// It is over, announcement and all, when the gc announces what it chose before.
TEST_F(RemoteGcTest, APushBeforeTheAnnouncementOfAGcIsSeen) {
  leave_a_useless_pack();
  sys::Children children;
  const pid_t child = start_and_stop(children, "remote-gc-chosen", [this] { return gc() ? 0 : 1; });
  ASSERT_TRUE(push(second_));
  EXPECT_EQ(entries(place_ / "notices").size(), 1U);
  ::kill(child, SIGCONT);
  ASSERT_EQ(children.wait_for_all(), std::vector<int>{0});
  expect_whole(second_);
}

// The whole gc falls into a push, whatever that is doing.
TEST_F(RemoteGcTest, AGcDuringAPushKeepsWhatThatReliesOn) {
  leave_a_useless_pack();
  for (const char* point : {"push-announced", "push-pack", "push-packs", "push-sealed"}) {
    sys::Children children;
    const pid_t child = start_and_stop(children, point, [this] { return push(second_) ? 0 : 1; });
    const RemoteCollected collected = value_of(gc());
    EXPECT_EQ(collected.packs, 0U) << point;
    EXPECT_EQ(collected.busy >= 1, std::string(point) != "push-sealed") << point;
    EXPECT_TRUE(is_useless_there()) << point;
    ::kill(child, SIGCONT);
    ASSERT_EQ(children.wait_for_all(), std::vector<int>{0}) << point;
    EXPECT_TRUE(entries(place_ / "notices").empty()) << point;
    expect_whole(second_);
    ASSERT_TRUE(remove_remote_checkpoint(second_, *depot_));
    ASSERT_TRUE(depot_->remove("packs/" + own_));
  }
}

// Both are on their way: the gc has chosen its packs before the push announced any, and looks
// again afterwards; or the other way round.
TEST_F(RemoteGcTest, WhoeverComesSecondSeesTheFirst) {
  leave_a_useless_pack();
  sys::Children children;
  const pid_t gc_child =
      start_and_stop(children, "remote-gc-announced", [this] { return gc() ? 0 : 1; });
  // It has announced first: the push gives way, and takes its own announcement back.
  EXPECT_EQ(push(second_).error().code(), ErrorCode::kBusy);
  EXPECT_EQ(entries(place_ / "notices").size(), 1U);
  // As if the push had announced before, and been slower in looking: the gc gives way.
  announce("push", "packs/" + useless_);
  ::kill(gc_child, SIGCONT);
  ASSERT_EQ(children.wait_for_all(), std::vector<int>{0});
  EXPECT_TRUE(is_useless_there());
}

TEST_F(RemoteGcTest, AnnouncementsOfOtherHostsAreHeededForADay) {
  leave_a_useless_pack();
  path notice = announce("gc", "packs/" + useless_);
  EXPECT_EQ(push(second_).error().code(), ErrorCode::kBusy);
  make_older(notice, std::chrono::hours(23));
  EXPECT_EQ(push(second_).error().code(), ErrorCode::kBusy);
  make_older(notice, std::chrono::hours(25));
  EXPECT_TRUE(push(second_));
  EXPECT_EQ(value_of(gc()).packs, 0U);
  EXPECT_TRUE(entries(place_ / "notices").empty());

  ASSERT_TRUE(remove_remote_checkpoint(second_, *depot_));
  notice = announce("push", "packs/" + useless_);
  EXPECT_EQ(value_of(gc()).busy, 1U);
  EXPECT_TRUE(is_useless_there());
  make_older(notice, std::chrono::hours(25));
  EXPECT_EQ(value_of(gc()).packs, 1U);
  EXPECT_FALSE(is_useless_there());
  EXPECT_TRUE(entries(place_ / "notices").empty());
}

TEST_F(RemoteGcTest, AnAnnouncementThatCannotBeReadStopsBoth) {
  leave_a_useless_pack();
  const path notice = announce("push", "packs/" + useless_);
  for (const char* text :
       {"", "{}", R"({"format":"reprise-notice","version":2,"kind":"push"})",
        R"({"format":"reprise-notice","version":1,"kind":"gc","objects":[1]})"}) {
    write(notice, text);
    const auto collected = gc();
    ASSERT_FALSE(collected) << text;
    EXPECT_EQ(collected.error().code(), ErrorCode::kCorrupt);
    EXPECT_NE(collected.error().message().find("notices/elsewhere"), std::string::npos);
    EXPECT_EQ(push(second_).error().code(), ErrorCode::kCorrupt) << text;
  }
  make_older(notice, std::chrono::hours(25));
  EXPECT_TRUE(gc());
  EXPECT_FALSE(fs::exists(notice));
}

// As if an hour had passed since it was announced.
TEST_F(RemoteGcTest, WhoIsTooSlowLooksAgainOrStops) {
  leave_a_useless_pack();
  const path once = directory_.path() / "once";
  write(once, "");
  ::setenv("REPRISE_FAULT", ("notice-fresh:fail:" + once.string()).c_str(), 1);
  const RemoteCollected collected = value_of(gc());
  EXPECT_EQ(collected.packs, 0U);
  EXPECT_EQ(collected.left, 1U);
  EXPECT_TRUE(is_useless_there());
  write(once, "");
  EXPECT_TRUE(push(second_));
  EXPECT_FALSE(fs::exists(once));
  ::unsetenv("REPRISE_FAULT");
  expect_whole(second_);
  EXPECT_EQ(value_of(gc()).packs, 0U);
}

TEST_F(RemoteGcTest, APullOfWhatIsRemovedMeanwhileSaysSo) {
  ASSERT_NO_FATAL_FAILURE(leave_a_useless_pack());
  ASSERT_TRUE(push(first_));
  BusyPlace busy(remote::open_directory(place_), [this] {
    ASSERT_TRUE(remove_remote_checkpoint(first_, *depot_));
    EXPECT_EQ(value_of(gc()).packs, 1U);
  });
  const path other = directory_.path() / "other";
  const auto pulled = pull_checkpoint(at(other), first_, busy, {});
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code(), ErrorCode::kNotFound) << pulled.error().details();
  EXPECT_NE(pulled.error().message().find("removed there meanwhile"), std::string::npos);
  EXPECT_TRUE(entries(other / "staging").empty());
  ASSERT_TRUE(push(first_));
  EXPECT_TRUE(pull_checkpoint(at(other), first_, *depot_, {}));
}

// Several nodes push, remove and collect at once, for a while; what is visible in the end is whole.
TEST_F(RemoteGcTest, ACrowdLeavesOnlyWholeCheckpoints) {
  constexpr unsigned kPushers = 3;
  constexpr int kRounds = 12;
  std::vector<CheckpointId> ids;
  for (unsigned i = 0; i < kPushers; ++i) {
    memory_.replace(std::size_t{100'000} * i, 50'000, noise(50'000, 20 + i));
    ids.push_back(put({{"pages-1.img", memory_}}));
  }
  ASSERT_TRUE(push(ids[0]));  // which makes the place that the collectors look into
  sys::Children children;
  for (unsigned pusher = 0; pusher < kPushers; ++pusher)
    children.start([&, pusher] {
      for (int round = 0; round < kRounds; ++round) {
        // The last round is of pushes alone.
        for (;;) {
          const auto pushed = push(ids[pusher]);
          if (pushed) break;
          if (pushed.error().code() == ErrorCode::kBusy) continue;
          std::cerr << pushed.error().details() << '\n';
          return 1;
        }
        if (round + 1 < kRounds && !remove_remote_checkpoint(ids[pusher], *depot_)) return 2;
      }
      return 0;
    });
  for (int collector = 0; collector < 2; ++collector)
    children.start([&] {
      for (int round = 0; round < kRounds * 3; ++round)
        if (const auto collected = gc(); !collected) {
          std::cerr << collected.error().details() << '\n';
          return 3;
        }
      return 0;
    });
  EXPECT_EQ(children.wait_for_all(), (std::vector<int>{0, 0, 0, 0, 0}));
  for (const CheckpointId& id : ids) expect_whole(id);
  EXPECT_TRUE(entries(place_ / "notices").empty());
}

}  // namespace
}  // namespace reprise::transfer
