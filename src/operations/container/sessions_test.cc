// SPDX-License-Identifier: Apache-2.0
//
// What became of a session, read from a real catalog.
#include "operations/container/sessions.h"

#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "store/open_catalog.h"
#include "store/store_config.h"
#include "sys/test_directory.h"

namespace reprise::operations {
namespace {

using catalog::Catalog;

class SessionsTest : public testing::Test {
 protected:
  void add_session(const std::string& id, base::UnixMillis begin, catalog::SessionStatus status) {
    catalog::SessionRow row{.id = base::SessionId::parse(id).value(),
                            .key = key_,
                            .kind = catalog::SessionKind::kCheckpoint,
                            .trigger = "stop",
                            .begin = begin,
                            .status = catalog::SessionStatus::kRunning};
    auto done = catalog_.begin_session(row);
    ASSERT_TRUE(done) << done.error().message();
    if (status == catalog::SessionStatus::kRunning) return;
    row.end = begin + 400;
    row.status = status;
    row.reason = status == catalog::SessionStatus::kOk ? "" : "dumping: criu failed";
    done = catalog_.finish_session(row);
    ASSERT_TRUE(done) << done.error().message();
  }

  sys::TestDirectory root_;
  Catalog catalog_ = std::move(*store::open_catalog(store::StoreConfig::at(root_.path())));
  base::ContainerKey key_ = base::ContainerKey::parse(std::string(64, 'a')).value();
};

TEST_F(SessionsTest, FindsTheSessionOfAStop) {
  add_session("sess00000001", 1000, catalog::SessionStatus::kOk);
  add_session("sess00000002", 2000, catalog::SessionStatus::kFailed);
  const auto newest = session_since(catalog_, key_, catalog::SessionKind::kCheckpoint, 1000);
  ASSERT_TRUE(newest) << newest.error().message();
  ASSERT_TRUE(*newest);
  EXPECT_EQ((*newest)->id.str(), "sess00000002");
  EXPECT_EQ(failure_of(**newest), "dumping: criu failed");
  EXPECT_EQ(hint_for(**newest), "see 'reprise logs sess00000002'");

  const auto none = session_since(catalog_, key_, catalog::SessionKind::kCheckpoint, 2001);
  ASSERT_TRUE(none) << none.error().message();
  EXPECT_FALSE(*none);
  const auto other =
      session_since(catalog_, base::ContainerKey("b"), catalog::SessionKind::kCheckpoint, 0);
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_FALSE(*other);
}

TEST_F(SessionsTest, WaitsForASessionOnlyAsLongAsItIsToldTo) {
  add_session("sess00000001", 1000, catalog::SessionStatus::kRunning);
  const auto session = finished_session_since(catalog_, key_, catalog::SessionKind::kCheckpoint,
                                              1000, std::chrono::milliseconds(50));
  ASSERT_TRUE(session) << session.error().message();
  ASSERT_TRUE(*session);
  EXPECT_EQ(failure_of(**session), "session 'sess00000001' has not ended");
}

}  // namespace
}  // namespace reprise::operations
