// SPDX-License-Identifier: Apache-2.0
//
// A container that is another than the checkpoint's is refused before anything of it is touched.
#include "session/restore/fitting.h"

#include <gtest/gtest.h>

#include <string>

#include "session/internal/test_restore.h"

namespace reprise::session {
namespace {

using base::ErrorCode;

class FittingTest : public RestoreTest {
 protected:
  FittingTest() {
    configure(R"(,"mounts":[{"type":"bind","source":"/srv","destination":"/data"}])");
  }
  void expect_refused(const std::string& text) {
    const auto outcome = restore();
    EXPECT_EQ(outcome.code, ErrorCode::kUnsupported);
    EXPECT_TRUE(outcome.reason.contains(text)) << outcome.reason;
    EXPECT_FALSE(outcome.hint.empty());
    EXPECT_TRUE(criu_.calls.empty()) << "CRIU has nothing to do with it";
    expect_undone();
  }
};

TEST_F(FittingTest, TheSameContainerFits) { EXPECT_TRUE(restore().ok()); }

TEST_F(FittingTest, AnotherCommandIsAnotherProgram) {
  configure(R"(,"mounts":[{"type":"bind","source":"/srv","destination":"/data"}])", "cat");
  expect_refused("another command");
}

TEST_F(FittingTest, AMountThatIsMissingIsNamed) {
  configure();
  expect_refused("'/data'");
}

TEST_F(FittingTest, WhatWasSavedMustHaveRoom) {
  configure(R"(,"mounts":[{"type":"bind","source":"/srv","destination":"/data"}],)"
            R"("linux":{"resources":{"memory":{"limit":4095,"swap":4095}}})");
  expect_refused("memory limit of 1 MiB");
}

// No later try makes it the same: the wrapper has it begin anew, and says why.
TEST_F(FittingTest, APodsContainerThatIsAnotherIsToldApart) {
  configure(R"(,"annotations":{"io.kubernetes.cri.container-type":"container"})");
  const auto outcome = restore();
  EXPECT_EQ(outcome.code, ErrorCode::kInvalidInput);
  EXPECT_TRUE(outcome.reason.contains("'/data'")) << outcome.reason;
  EXPECT_FALSE(outcome.hint.contains("podman")) << outcome.hint;
  expect_undone();
}

class OnAnotherCpuTest : public FittingTest {
 protected:
  void write_parts(store::CheckpointWriter& writer) override {
    EXPECT_TRUE(writer.keep_part("cpu", "avx2048 sse2"));
  }
};

TEST_F(OnAnotherCpuTest, InstructionsThatAreMissingAreNamed) { expect_refused("had: avx2048"); }

}  // namespace
}  // namespace reprise::session
