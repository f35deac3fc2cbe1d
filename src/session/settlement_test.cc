// SPDX-License-Identifier: Apache-2.0
#include "host/layout.h"
#include "host/request.h"
#include "session/sealed.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "catalog/catalog.h"
#include "session/recovery.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::session {
namespace {

using base::ErrorCode;
namespace fs = std::filesystem;

// As when a host has none left for this process: nothing can be opened any more.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

class Settling : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/settle-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
    layout_ = {.store = base_ / "store", .run = base_ / "run", .runc = "/bin/false"};
    ASSERT_TRUE(layout_.create());
    ASSERT_TRUE(store::open_catalog(store::StoreConfig::at(layout_.store)));
    store_ = std::move(*store::open_store(store::StoreConfig::at(layout_.store)));
    ASSERT_TRUE(sys::make_directories(layout_.session_directory(session_)));
  }
  void TearDown() override { fs::remove_all(base_); }

  base::CheckpointId seal(const base::SessionId& session) {
    auto writer = std::move(*store_->begin({}));
    std::ofstream(*writer->part("command")) << "sleep";
    EXPECT_TRUE(writer->pages().absorb());
    image::Manifest facts{.key = base::ContainerKey("web"), .created = 7};
    facts.parent_session = session.str();
    EXPECT_TRUE(writer->seal(facts));
    EXPECT_TRUE(writer->settle());
    return writer->id();
  }

  void damage(const base::CheckpointId& id) const {
    std::ofstream(layout_.store / "checkpoints" / id.str(), std::ios::trunc) << "nothing";
  }

  auto found() { return find_sealed(*store_, layout_, session_); }

  host::WorkerRequest request(const char* session) const {
    host::WorkerRequest request;
    request.session = base::SessionId::parse(session).value();
    request.container = base::ContainerId("web");
    request.runtime_args = {"--root", (base_ / "runc").string()};
    return request;
  }

  fs::path base_;
  host::Layout layout_;
  const base::SessionId session_{"s1"};
  std::unique_ptr<store::CheckpointStore> store_;
};

// It once read every failure as "nothing is sealed", and told a sealed container to run on.
TEST_F(Settling, WhatCannotBeReadIsNotUnsealed) {
  const auto id = seal(session_);
  seal(base::SessionId("s2"));
  for (const bool noted : {false, true}) {
    if (noted) {
      ASSERT_TRUE(note_checkpoint(layout_, session_, id));
    }
    const auto sealed = found();
    ASSERT_TRUE(sealed && *sealed) << noted;
    EXPECT_EQ((*sealed)->id, id);
    const NoDescriptors none;
    EXPECT_FALSE(found()) << noted;
  }
  damage(id);
  EXPECT_FALSE(found());
  fs::remove(layout_.store / "checkpoints" / id.str());
  const auto unsealed = found();
  EXPECT_TRUE(unsealed && !*unsealed);
}

TEST_F(Settling, AnothersDamageSaysNothingOfASession) {
  damage(seal(base::SessionId("s2")));
  const auto unsealed = found();
  EXPECT_TRUE(unsealed && !*unsealed);
}

TEST_F(Settling, OneThatCannotBeReadKeepsNoOtherFromBeingSettled) {
  const auto bad = layout_.session_run_directory(base::SessionId("bad"));
  ASSERT_TRUE(sys::make_directories(bad));
  std::ofstream(bad / "lock");
  std::ofstream(bad / "request.json") << R"({"verb": "hibernate"})";
  {
    ASSERT_TRUE(note_session(layout_, request("good")));
  }
  const auto settled = settle_abandoned(layout_, store::StoreConfig::at(layout_.store));
  ASSERT_FALSE(settled);
  EXPECT_NE(settled.error().message().find("'bad'"), std::string::npos);
  EXPECT_NE(settled.error().hint().find("set-aside"), std::string::npos);
  EXPECT_FALSE(fs::exists(bad));
  EXPECT_TRUE(fs::exists(layout_.run / "set-aside/bad/request.json"));
  EXPECT_FALSE(fs::exists(layout_.session_run_directory(base::SessionId("good"))));
  auto catalog = std::move(*store::open_existing_catalog(store::StoreConfig::at(layout_.store)));
  EXPECT_EQ(catalog.find_session("good").value().status, catalog::SessionStatus::kFailed);
  EXPECT_EQ(settle_abandoned(layout_, store::StoreConfig::at(layout_.store)).value(), 0);
}

// They stayed until the next boot.
TEST_F(Settling, ARunDirectoryWithALockAloneGoesUnlessItIsYoung) {
  const auto left = layout_.session_run_directory(base::SessionId("left"));
  const auto young = layout_.session_run_directory(base::SessionId("young"));
  for (const auto& directory : {left, young}) {
    ASSERT_TRUE(sys::make_directories(directory));
    std::ofstream(directory / "lock") << "";
  }
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::minutes(2));
  EXPECT_EQ(settle_abandoned(layout_, store::StoreConfig::at(layout_.store)).value(), 0);
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(young));
}

// After an upgrade: what it was is still in the catalog.
TEST_F(Settling, AnUnreadableRequestIsMadeUpForByTheCatalog) {
  int number = 0;
  // One by its id, and two of which only names are known.
  for (const std::string& key :
       {(base_ / "runc/web").string(), std::string("@quad"), std::string("k8s.io/@quad")}) {
    const base::SessionId old = base::SessionId::parse("old" + std::to_string(++number)).value();
    auto catalog = std::move(*store::open_existing_catalog(store::StoreConfig::at(layout_.store)));
    ASSERT_TRUE(catalog.begin_session({.id = old,
                                       .key = base::ContainerKey::parse(key).value(),
                                       .kind = catalog::SessionKind::kCheckpoint,
                                       .trigger = "stop",
                                       .begin = 1,
                                       .status = catalog::SessionStatus::kRunning,
                                       .phases = "{}"}));
    const auto directory = layout_.session_run_directory(old);
    ASSERT_TRUE(sys::make_directories(directory));
    std::ofstream(directory / "lock");
    std::ofstream(directory / "request.json") << "{}";
    const auto settled = settle_abandoned(layout_, store::StoreConfig::at(layout_.store));
    EXPECT_EQ(settled.value_or(-1), 1) << key << ": " << (settled ? "" : settled.error().details());
    EXPECT_EQ(catalog.find_session(old.str()).value().status, catalog::SessionStatus::kFailed);
    EXPECT_FALSE(fs::exists(directory));
  }
}

TEST_F(Settling, NoStoreIsNoAnswer) {
  {
    ASSERT_TRUE(note_session(layout_, request("s1")));
  }
  fs::rename(layout_.store, base_ / "aside");
  EXPECT_FALSE(settle_abandoned(layout_, store::StoreConfig::at(layout_.store)));
  EXPECT_FALSE(fs::exists(layout_.store / "catalog.db"));
  EXPECT_TRUE(fs::exists(layout_.session_run_directory(session_)));
}

}  // namespace
}  // namespace reprise::session
