// SPDX-License-Identifier: Apache-2.0
//
// What is taken back, wherever whoever did it, or took it back, was killed.
#include "session/undo/take_back.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "container/file_tree.h"
#include "container/refilled_directory.h"
#include "container/shared_memory.h"
#include "host/continuation_note.h"
#include "session/freeze.h"
#include "session/internal/test_container.h"

namespace reprise::session::undo {
namespace {

using base::ErrorCode;
using base::Result;

class TakeBackTest : public TestContainer {
 protected:
  TakeBackTest() {
    fs::create_directories(volume_);
    write(volume_ / "file", "before");
    fs::create_directories(pod_volume_);
    write(pod_volume_ / "by-init", "before");
    fs::create_directories(shm_);
  }
  // Whether the child was killed.
  template <typename Do>
  static bool is_killed_at(const std::string& point, Do act) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("REPRISE_FAULT", (point + ":kill").c_str(), 1);  // NOLINT: no other thread
      act();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status);
  }
  Result<void> take() {
    Context context = this->context();
    Result<void> taken = take_back(context);
    store_ = std::move(context.store.checkpoints);
    return taken;
  }
  // How often.
  int told_to_stop() const {
    const std::string text = calls();
    int times = 0;
    for (std::size_t at = 0; (at = text.find("kill web 15\n", at)) != std::string::npos; ++at)
      ++times;
    return times;
  }
  std::vector<Step> left() const { return journal().load().value().value(); }

  // All that a checkpoint does before the seal and that can be done by anybody.
  void do_checkpoint() {
    EXPECT_TRUE(journal().replace({SignalPromised()}));
    EXPECT_TRUE(journal().write(StoreBegun()));
    const auto writer = store_->begin({});
    EXPECT_TRUE(writer);
    EXPECT_TRUE(journal().write(ContinuationNoted()));
    EXPECT_TRUE(host::write_note(
        bundle_, {.checkpoint = (*writer)->id(), .session = session_, .store = layout_.store}));
    EXPECT_TRUE(journal().write(NetworkLocked()));
    EXPECT_TRUE(note_freeze(layout_, request_));
    freeze();
    EXPECT_TRUE(journal().write(PeersDisconnected()));
  }
  void expect_no_checkpoint() {
    EXPECT_FALSE(is_frozen());
    EXPECT_FALSE(host::read_note(bundle_).value());
    EXPECT_TRUE(fs::is_empty(layout_.store / "staging") ||
                std::distance(fs::directory_iterator(layout_.store / "staging"), {}) == 1)
        << "its lock, and nothing else";
    EXPECT_EQ(told_to_stop(), 1);
    EXPECT_TRUE(left().empty());
    EXPECT_FALSE(fs::exists(layout_.run / "set-aside"));
  }

  // The same of a restore.
  void do_restore() {
    EXPECT_TRUE(journal().replace({}));
    EXPECT_TRUE(journal().write(NetworkBlocked{{.network = scratch_ / "gone"}}));
    EXPECT_TRUE(journal().write(RootfsExchanged()));
    EXPECT_TRUE(journal().write(SharedMemoryFilled{.directory = shm_}));
    write(shm_ / "segment", "of the checkpoint");
    EXPECT_TRUE(journal().write(VolumePutAside{.directory = volume_, .aside = aside_}));
    EXPECT_TRUE(container::put_contents_aside(volume_, aside_));
    write(volume_ / "file", "of the checkpoint");
    write(volume_ / "other", "of the checkpoint");
    EXPECT_TRUE(journal().write(VolumeFilling{.contents = volume_ / "filling"}));
    fs::create_directories(volume_ / "filling/a");
    const fs::path before = pod_volume_ / "before";
    EXPECT_TRUE(journal().write(SharedFilled{.directory = pod_volume_, .aside = before}));
    EXPECT_TRUE(container::note_filler(pod_volume_, session_.str()));
    fs::create_directories(pod_volume_ / "filling");
    write(pod_volume_ / "filling/file", "of the checkpoint");
    EXPECT_TRUE(container::exchange_contents(pod_volume_, pod_volume_ / "filling", before, {}));
    EXPECT_TRUE(journal().write(OverlaysMounted()));
    EXPECT_TRUE(journal().write(NetworkChanged{{.network = scratch_ / "gone"}}));
    EXPECT_TRUE(
        journal().write(AddressesAdopted{.network = scratch_ / "gone", .addresses = {"::2"}}));
    EXPECT_TRUE(journal().write(RestoreBegun()));
    EXPECT_TRUE(journal().write(TasksHeld{.cgroups = {{"", cgroup_}}}));
    freeze();
  }
  void expect_no_restore() {
    EXPECT_TRUE(fs::is_empty(shm_));
    EXPECT_EQ(read(volume_ / "file"), "before");
    EXPECT_FALSE(fs::exists(volume_ / "other"));
    EXPECT_FALSE(fs::exists(aside_));
    EXPECT_EQ(read(pod_volume_ / "by-init"), "before");
    EXPECT_EQ(std::distance(fs::directory_iterator(pod_volume_), {}), 1);
    EXPECT_FALSE(is_frozen());
    EXPECT_TRUE(left().empty());
  }

  const fs::path volume_ = scratch_ / "volume/_data";
  const fs::path aside_ = scratch_ / "volume/aside";
  const fs::path pod_volume_ = scratch_ / "pod-volume";
  const fs::path shm_ = scratch_ / "shm";
};

const std::vector<std::string> kCheckpoint{"store-begun", "continuation-noted", "network-locked",
                                           "frozen", "peers-disconnected"};
const std::vector<std::string> kRestore{
    "network-blocked",  "rootfs-exchanged", "shared-memory-filled",
    "volume-put-aside", "volume-filling",   "shared-filled",
    "overlays-mounted", "network-changed",  "addresses-adopted",
    "restore-begun",    "tasks-held"};

class KilledInACheckpointTest : public TakeBackTest,
                                public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(, KilledInACheckpointTest, testing::ValuesIn(kCheckpoint),
                         [](const auto& at) { return std::to_string(at.index); });

TEST_P(KilledInACheckpointTest, WhatWasWrittenAndNotDoneIsTakenBack) {
  run();
  ASSERT_TRUE(is_killed_at("noted-" + GetParam(), [this] { do_checkpoint(); }));
  ASSERT_EQ(name_of(left().back()), GetParam());
  for (int time = 0; time < 2; ++time) {
    const auto taken = take();
    EXPECT_TRUE(taken) << taken.error().details();
    expect_no_checkpoint();
  }
}

TEST_P(KilledInACheckpointTest, WhoTakesItBackMayBeKilledToo) {
  run();
  ASSERT_FALSE(is_killed_at("", [this] { do_checkpoint(); }));
  ASSERT_TRUE(is_killed_at("undone-" + GetParam(), [this] { static_cast<void>(take()); }));
  EXPECT_FALSE(left().empty());
  EXPECT_TRUE(take());
  expect_no_checkpoint();
}

TEST_F(TakeBackTest, ASignalIsNotDeliveredTwiceWhereWhoDeliveredItWasKilled) {
  run();
  ASSERT_FALSE(is_killed_at("", [this] { do_checkpoint(); }));
  ASSERT_TRUE(is_killed_at("signal-delivered", [this] { static_cast<void>(take()); }));
  EXPECT_TRUE(take());
  expect_no_checkpoint();
}

class KilledInARestoreTest : public TakeBackTest,
                             public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(, KilledInARestoreTest, testing::ValuesIn(kRestore),
                         [](const auto& at) { return std::to_string(at.index); });

TEST_P(KilledInARestoreTest, WhatWasWrittenAndNotDoneIsTakenBack) {
  begin_restore();
  ASSERT_TRUE(is_killed_at("noted-" + GetParam(), [this] { do_restore(); }));
  ASSERT_EQ(name_of(left().back()), GetParam());
  for (int time = 0; time < 2; ++time) {
    const auto taken = take();
    EXPECT_TRUE(taken) << taken.error().details();
    expect_no_restore();
  }
}

TEST_P(KilledInARestoreTest, WhoTakesItBackMayBeKilledToo) {
  begin_restore();
  ASSERT_FALSE(is_killed_at("", [this] { do_restore(); }));
  ASSERT_TRUE(is_killed_at("undone-" + GetParam(), [this] { static_cast<void>(take()); }));
  EXPECT_FALSE(left().empty());
  EXPECT_TRUE(take());
  expect_no_restore();
}

// runc has forgotten it, as it does when its CRIU is killed.
TEST_F(TakeBackTest, TasksThatAreHeldEndAlsoWhereNobodyKnowsTheContainer) {
  begin_restore();
  run();
  ASSERT_FALSE(is_killed_at("", [this] { do_restore(); }));
  forget();
  EXPECT_TRUE(take());
  EXPECT_EQ(end_process(SIGUSR1), SIGKILL);
}

// Neither what cannot be done nor what is not understood keeps the rest from it, or is forgotten.
TEST_F(TakeBackTest, WhatCannotBeTakenBackIsKeptAndTold) {
  begin_restore();
  const Step unknown = Unknown{R"({"card":7,"step":"gpu-suspended"})"};
  write(scratch_ / "file", "");
  const Step hopeless = SharedMemoryFilled{.directory = scratch_ / "file"};
  do_restore();
  auto steps = left();
  steps.insert(steps.begin() + 1, hopeless);
  steps.push_back(unknown);
  ASSERT_TRUE(journal().replace(steps));
  for (int time = 0; time < 2; ++time) {
    const auto taken = take();
    ASSERT_FALSE(taken);
    EXPECT_TRUE(taken.error().message().contains("'gpu-suspended'")) << taken.error().message();
    EXPECT_TRUE(taken.error().hint().contains("set-aside")) << taken.error().hint();
    EXPECT_EQ(left(), (std::vector{hopeless, unknown}));
    EXPECT_EQ(decode(read(layout_.run / "set-aside/sess00000002.undo.json")).value(), left());
  }
  fs::remove(scratch_ / "file");
  ASSERT_TRUE(journal().replace({hopeless}));
  EXPECT_TRUE(take()) << "it has become possible";
  expect_no_restore();
  EXPECT_TRUE(fs::is_empty(layout_.run / "set-aside"));
}

// Somebody wrote nonsense into it: everything may have been done.
TEST_F(TakeBackTest, WithoutAReadableJournalEverythingIsTakenBack) {
  run();
  freeze();
  write(run_directory() / "undo.json", "nonsense");
  const auto taken = take();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), ErrorCode::kCorrupt) << "and that is told";
  EXPECT_FALSE(is_frozen());
  EXPECT_EQ(told_to_stop(), 1);
  EXPECT_TRUE(left().empty());
}

// As after a reboot: with the run directory all is gone that was frozen, mounted or firewalled.
TEST_F(TakeBackTest, WithoutARunDirectoryNoneIsMade) {
  fs::remove_all(run_directory());
  EXPECT_TRUE(take());
  EXPECT_FALSE(fs::exists(run_directory()));
}

}  // namespace
}  // namespace reprise::session::undo
