// SPDX-License-Identifier: Apache-2.0
//
// Whether a restore needs to be saved because nobody heard of it. That it is, is shown with real
// containers (tests/root/test_never_lost.py): no worker is begun here.
#include "worker/unheard.h"
#include "host/message.h"
#include "host/request.h"

#include <gtest/gtest.h>

#include <utility>

#include "sys/test_directory.h"

namespace reprise::worker {
namespace {

class UnheardTest : public testing::Test {
 protected:
  UnheardTest() {
    guarded_.layout = {.store = scratch_ / "store", .run = scratch_ / "run", .runc = "/no/runc"};
    guarded_.request.container = base::ContainerId("web");
    set_acknowledges(true);
    guarded_.caller = &ours_;
  }
  void set_acknowledges(bool acknowledges) {
    guarded_.request.what = host::RestoreRequest{
        .bundle = {}, .checkpoint = {}, .globals = {}, .options = {}, .acknowledges = acknowledges};
  }
  base::Result<void> save() { return checkpoint_unless_heard(guarded_, lock_); }

  sys::TestDirectory scratch_;
  std::pair<sys::MessageSocket, sys::MessageSocket> pair_ = std::move(*sys::MessageSocket::pair());
  sys::MessageSocket& ours_ = pair_.first;
  sys::MessageSocket& wrapper_ = pair_.second;
  sys::FileLock lock_ = std::move(*sys::FileLock::try_lock(scratch_ / "lock"));
  session::GuardedSession guarded_;
};

TEST_F(UnheardTest, AWrapperThatHeardItIsBelieved) {
  ASSERT_TRUE(wrapper_.send(host::encode_heard()));
  EXPECT_TRUE(save());
}

// One of the version before will never say it.
TEST_F(UnheardTest, AWrapperThatDoesNotSayItIsNotWaitedFor) {
  set_acknowledges(false);
  EXPECT_TRUE(save());
}

}  // namespace
}  // namespace reprise::worker
