// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions.h"

#include <gtest/gtest.h>

#include "store/open_catalog.h"
#include "sys/test_directory.h"

namespace reprise::daemon {
namespace {

class SessionsTest : public testing::Test {
 protected:
  void add(catalog::LifeEvent event) {
    ASSERT_TRUE(catalog_.add_life_event({.key = key_, .time = 1, .event = event, .detail = ""}));
  }
  bool may_it_run() { return may_run(catalog_, app_).value(); }

  sys::TestDirectory directory_;
  catalog::Catalog catalog_ =
      store::open_catalog(store::StoreConfig::at(directory_ / "store")).value();
  base::ContainerKey key_{"k8s.io/@pod:0b3e0000-1:app"};
  oci::PodContainer app_{
      .name_space = "shop", .pod = "web-0", .uid = "0b3e0000-1", .container = "app"};
};

// Its neighbours were saved in vain where it never ran, and ended without their signal.
TEST_F(SessionsTest, WhetherAContainerMayRunItsHistoryTells) {
  EXPECT_FALSE(may_it_run()) << "nothing is known of it";
  add(catalog::LifeEvent::kRestoreFailed);
  EXPECT_FALSE(may_it_run()) << "it waits to go on";
  add(catalog::LifeEvent::kStarted);
  EXPECT_TRUE(may_it_run());
  add(catalog::LifeEvent::kEnded);
  EXPECT_FALSE(may_it_run()) << "it could not be started";
  ASSERT_TRUE(catalog_.begin_session({.id = base::SessionId::parse("sess00000001").value(),
                                      .key = key_,
                                      .kind = catalog::SessionKind::kRestore,
                                      .begin = 2}));
  EXPECT_TRUE(may_it_run()) << "it is being restored";
}

// A pod that went on in part, and ended, kept the rest from being freed for ever.
TEST_F(SessionsTest, WhatAPodThatIsGoneWasToGoOnFromIsNobodys) {
  const base::CheckpointId id("saved0000001");
  const image::Manifest manifest{.id = id, .key = key_, .trigger = image::Trigger::kStop};
  ASSERT_TRUE(catalog_.add_checkpoint(manifest, "", catalog::Catalog::Continue::kYes));
  const base::ContainerKey next("k8s.io/@pod:0b3e0000-2:app");
  const base::ContainerKey other("web");
  ASSERT_TRUE(catalog_.set_continuation(next, id));
  ASSERT_TRUE(catalog_.set_continuation(other, id));
  ASSERT_TRUE(
      drop_of_gone_pods(catalog_, id, [](const std::string& uid) { return uid == "0b3e0000-2"; }));
  EXPECT_FALSE(*catalog_.continuation(key_));
  EXPECT_TRUE(*catalog_.continuation(next)) << "it is there";
  ASSERT_TRUE(drop_of_gone_pods(catalog_, id, [](const std::string&) { return false; }));
  EXPECT_FALSE(*catalog_.continuation(next));
  EXPECT_TRUE(*catalog_.continuation(other)) << "no pod's";
}

}  // namespace
}  // namespace reprise::daemon
