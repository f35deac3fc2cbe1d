// SPDX-License-Identifier: Apache-2.0
//
// Restores that are to be lazy, and are not: whatever is in the way, the container goes on.
#include <gtest/gtest.h>

#include <unistd.h>

#include <string>

#include "session/internal/test_restore.h"
#include "sys/process.h"

namespace reprise::session {
namespace {

class LazyRestoreTest : public RestoreTest {
 protected:
  void SetUp() override {
    configure(R"(,"annotations":{"reprise.dev/restore":"lazy"})");
    RestoreTest::SetUp();
  }
  void write_parts(store::CheckpointWriter& writer) override {
    if (!pagemap_.empty()) write(writer.pages().spool() / "pagemap-1.img", pagemap_);
  }
  void expect_eager() {
    const auto outcome = restore();
    ASSERT_TRUE(outcome.ok()) << outcome.reason;
    EXPECT_FALSE(criu_.asked_to_restore->lazy);
  }
  std::string pagemap_;
};

class StrangePagemapTest : public LazyRestoreTest {
 protected:
  StrangePagemapTest() { pagemap_ = "of a later CRIU"; }
};

TEST_F(StrangePagemapTest, WhatCannotBeReadIsLeftToCriu) { expect_eager(); }

TEST_F(LazyRestoreTest, AfterAFailureAllMemoryIsRestoredFirst) {
  const auto key = host::key_of(request_);
  ASSERT_TRUE(catalog().release_claim(key, session_));
  ASSERT_TRUE(catalog().claim(key, session_, sys::process_ref(::getpid()).value()));
  expect_eager();
}

}  // namespace
}  // namespace reprise::session
