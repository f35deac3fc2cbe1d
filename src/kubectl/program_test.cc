// SPDX-License-Identifier: Apache-2.0
#include "kubectl/program.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace reprise::kubectl {
namespace {

namespace fs = std::filesystem;

// A kubectl that finds no object, has no Checkpoints, and one pod that runs nothing.
class ProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(directory_);
    std::ofstream(directory_ / "kubectl") << R"(#!/bin/sh
case "$*" in
  *checkpoints) echo '{"items": []}';;
  */pods/idle) echo '{"metadata": {"name": "idle", "uid": "u"}, "spec": {"nodeName": "n"}}';;
  *) echo 'Error from server (NotFound): it is not there' >&2; exit 1;;
esac
)";
    fs::permissions(directory_ / "kubectl", fs::perms::owner_all);
    const char* path = std::getenv("PATH");
    path_ = path == nullptr ? "" : path;
    ::setenv("PATH", (directory_.string() + ":" + path_).c_str(), 1);
  }
  void TearDown() override {
    ::setenv("PATH", path_.c_str(), 1);
    fs::remove_all(directory_);
  }

  int ask(std::vector<std::string> words) {
    std::ostringstream out, err;
    const int status = run(std::move(words), out, err);
    said_ = out.str() + err.str();
    return status;
  }

  fs::path directory_ = fs::path(testing::TempDir()) / ("kubectl-" + std::to_string(::getpid()));
  std::string path_, said_;
};

TEST_F(ProgramTest, LivesOfNobody) {
  EXPECT_EQ(ask({"lives", "-n", "x", "deployment/nosuch"}), 3);
  EXPECT_TRUE(said_.contains("there is no Deployment 'nosuch' in namespace 'x'")) << said_;
  EXPECT_EQ(ask({"lives", "-n", "x", "idle"}), 0);
  EXPECT_TRUE(said_.contains("No Checkpoint tells of pod 'idle'")) << said_;
}

TEST_F(ProgramTest, WhatCannotBeSavedNowIsNoMistakeInWords) {
  EXPECT_EQ(ask({"checkpoint", "-n", "x", "idle"}), 1);
  EXPECT_TRUE(said_.contains("no container of pod 'idle' runs")) << said_;
}

TEST_F(ProgramTest, AFileThatIsNotThere) {
  EXPECT_EQ(ask({"doctor", "idle", "--kubeconfig", "/nope"}), 3);
  EXPECT_TRUE(said_.contains("'/nope'")) << said_;
}

}  // namespace
}  // namespace reprise::kubectl
