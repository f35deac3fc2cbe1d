// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>

#include "catalog/catalog.h"
#include "catalog/internal/test_catalog.h"

namespace reprise::catalog {
namespace {

using base::CheckpointId;
using base::ContainerKey;
using base::ErrorCode;
using base::SessionId;

constexpr int kProcesses = 8;
const ContainerKey kWeb("web");
const CheckpointId kFirst("first");
const SessionId kSession("session1");
const SessionId kOther("session2");

sys::ProcessRef myself() { return sys::process_ref(::getpid()).value(); }

class ClaimsTest : public testing::Test {
 protected:
  ClaimsTest() : catalog_(open_catalog(directory_.path()).value()) {
    const image::Manifest manifest{.id = kFirst, .key = kWeb, .trigger = image::Trigger::kStop};
    EXPECT_TRUE(catalog_.add_checkpoint(manifest, "", Catalog::Continue::kYes));
  }

  // Claims in a process that has ended when this returns.
  void claim_and_die(const SessionId& session) {
    sys::Children children;
    children.start([&] {
      auto catalog = open_catalog(directory_.path());
      if (!catalog) return 2;
      const auto claim = catalog->claim(kWeb, session, myself());
      return claim && *claim ? 0 : 1;
    });
    ASSERT_EQ(children.wait_for_all(), std::vector<int>{0});
  }

  void change_database(const char* sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((directory_.path() / "catalog.db").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  ClaimFate fate(const SessionId& session) { return catalog_.fate_of_claim(kWeb, session).value(); }
  int attempts() { return catalog_.continuation(kWeb).value().value().attempts; }

  TestDirectory directory_;
  Catalog catalog_;
};

TEST_F(ClaimsTest, TellsWhoContinuesFromACheckpoint) {
  ASSERT_TRUE(catalog_.set_continuation(ContainerKey("clone"), kFirst));
  auto keys = catalog_.continued_by(kFirst).value();
  std::ranges::sort(keys);
  EXPECT_EQ(keys, (std::vector<ContainerKey>{ContainerKey("clone"), kWeb}));
  EXPECT_TRUE(catalog_.continued_by(CheckpointId("none")).value().empty());
}

// By which whoever settles a restore that was cut off tells whether its container is to stay.
TEST_F(ClaimsTest, TellsWhoseClaimItIs) {
  EXPECT_EQ(fate(kSession), ClaimFate::kGivenBack);
  EXPECT_EQ(fate(SessionId()), ClaimFate::kGivenBack) << "nobody's is not everybody's";
  claim_and_die(kSession);
  EXPECT_EQ(fate(kSession), ClaimFate::kHeld) << "also when the claimer has died";
  EXPECT_EQ(fate(kOther), ClaimFate::kGivenBack);
  ASSERT_TRUE(catalog_.claim(kWeb, kOther, myself()));
  EXPECT_EQ(fate(kSession), ClaimFate::kGivenBack) << "taken over";
  ASSERT_TRUE(catalog_.consume_claim(kWeb, kOther));
  EXPECT_EQ(fate(kOther), ClaimFate::kConsumed);
  EXPECT_EQ(fate(kSession), ClaimFate::kGivenBack) << "by the other";
}

// A claim that was only given back was once taken for consumed.
TEST_F(ClaimsTest, OneThatWasGivenBackWasNotConsumed) {
  ASSERT_TRUE(catalog_.claim(kWeb, kSession, myself()));
  ASSERT_TRUE(catalog_.release_claim(kWeb, kSession));
  EXPECT_EQ(fate(kSession), ClaimFate::kGivenBack);
  ASSERT_TRUE(catalog_.claim(kWeb, kOther, myself()));
  ASSERT_TRUE(catalog_.drop_continuation(kWeb));
  EXPECT_EQ(fate(kOther), ClaimFate::kGivenBack);
}

// Whatever comes after it.
TEST_F(ClaimsTest, OneThatWasConsumedStaysConsumed) {
  ASSERT_TRUE(catalog_.claim(kWeb, kSession, myself()));
  ASSERT_TRUE(catalog_.consume_claim(kWeb, kSession));
  ASSERT_TRUE(catalog_.set_continuation(kWeb, kFirst));
  EXPECT_EQ(fate(kSession), ClaimFate::kConsumed);
  ASSERT_TRUE(catalog_.claim(kWeb, kOther, myself()));
  EXPECT_EQ(fate(kSession), ClaimFate::kConsumed);
  EXPECT_EQ(catalog_.fate_of_claim(ContainerKey("db"), kSession).value(), ClaimFate::kGivenBack);
}

// Who was cut off by an upgrade is told by what is left.
TEST_F(ClaimsTest, OfAnEarlierVersionTheContinuationTells) {
  const ContainerKey db("db");
  const auto begin = [&](const SessionId& session, const ContainerKey& key) {
    const SessionRow row{.id = session,
                         .key = key,
                         .kind = SessionKind::kRestore,
                         .checkpoint = kFirst,
                         .phases = "{}"};
    EXPECT_TRUE(catalog_.begin_session(row));
  };
  begin(kSession, kWeb);
  begin(kOther, db);
  change_database("DROP TABLE consumed_claims; PRAGMA user_version = 5");
  catalog_ = open_catalog(directory_.path()).value();
  EXPECT_EQ(catalog_.fate_of_claim(db, kOther).value(), ClaimFate::kConsumed);
  EXPECT_EQ(fate(kSession), ClaimFate::kGivenBack) << "the continuation is still there";
}

TEST_F(ClaimsTest, NothingToClaim) {
  const auto claim = catalog_.claim(ContainerKey("db"), kSession, myself());
  ASSERT_TRUE(claim);
  EXPECT_FALSE(*claim);
}

TEST_F(ClaimsTest, ClaimIsExclusive) {
  const auto claim = catalog_.claim(kWeb, kSession, myself());
  ASSERT_TRUE(claim);
  ASSERT_TRUE(*claim);
  EXPECT_EQ((*claim)->checkpoint, kFirst);
  EXPECT_EQ((*claim)->key, kWeb);
  EXPECT_EQ((*claim)->attempts, 0);
  const auto second = catalog_.claim(kWeb, kOther, myself());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kBusy);
  EXPECT_TRUE(second.error().message().contains("'session1'")) << second.error().message();
}

TEST_F(ClaimsTest, ConsumedClaimIsGoneAndTheCheckpointStays) {
  ASSERT_TRUE(catalog_.claim(kWeb, kSession, myself()));
  EXPECT_EQ(catalog_.consume_claim(kWeb, kOther).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(catalog_.consume_claim(kWeb, kSession));
  EXPECT_FALSE(catalog_.claim(kWeb, kSession, myself()).value());
  EXPECT_EQ(catalog_.consume_claim(kWeb, kSession).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(catalog_.find_checkpoint("first"));
}

TEST_F(ClaimsTest, ReleaseCountsAttempts) {
  for (int round = 1; round <= 3; ++round) {
    const auto claim = catalog_.claim(kWeb, kSession, myself());
    ASSERT_TRUE(claim && *claim);
    EXPECT_EQ((*claim)->attempts, round - 1);
    EXPECT_EQ(catalog_.release_claim(kWeb, kOther).error().code(), ErrorCode::kNotFound);
    ASSERT_TRUE(catalog_.release_claim(kWeb, kSession));
    EXPECT_EQ(attempts(), round);
  }
  EXPECT_EQ(catalog_.release_claim(kWeb, kSession).error().code(), ErrorCode::kNotFound);
}

TEST_F(ClaimsTest, ANewCheckpointStartsWithNoAttempts) {
  ASSERT_TRUE(catalog_.claim(kWeb, kSession, myself()));
  ASSERT_TRUE(catalog_.release_claim(kWeb, kSession));
  const image::Manifest next{.id = CheckpointId("next"), .key = kWeb};
  ASSERT_TRUE(catalog_.add_checkpoint(next, "", Catalog::Continue::kYes));
  EXPECT_EQ(attempts(), 0);
}

TEST_F(ClaimsTest, ClaimOfADeadProcessIsTakenOver) {
  claim_and_die(kSession);
  const auto claim = catalog_.claim(kWeb, kOther, myself());
  ASSERT_TRUE(claim) << claim.error().message();
  ASSERT_TRUE(*claim);
  EXPECT_EQ((*claim)->attempts, 1);
  EXPECT_EQ(catalog_.consume_claim(kWeb, kSession).error().code(), ErrorCode::kNotFound)
      << "the dead session still has it";
  EXPECT_TRUE(catalog_.consume_claim(kWeb, kOther));
}

TEST_F(ClaimsTest, ClaimOfAReusedPidIsTakenOver) {
  sys::ProcessRef earlier = myself();
  earlier.start_ticks -= 1;
  ASSERT_TRUE(catalog_.claim(kWeb, kSession, earlier));
  EXPECT_EQ(catalog_.claim(kWeb, kOther, myself()).value().value().attempts, 1);
}

TEST_F(ClaimsTest, ClaimOfAnEarlierBootIsTakenOver) {
  ASSERT_TRUE(catalog_.claim(kWeb, kSession, myself()));
  change_database("UPDATE continuations SET claimer_boot = 'the boot before'");
  EXPECT_EQ(catalog_.claim(kWeb, kOther, myself()).value().value().attempts, 1);
}

// How many of the processes that claim at once got the claim, and how many were told kBusy. All
// claim in the name of this process, which lives on: a dead winner's claim would be free again.
struct Race {
  std::ptrdiff_t won = 0;
  std::ptrdiff_t busy = 0;
};

Race race_for_claim(const std::filesystem::path& root) {
  const sys::ProcessRef claimer = myself();
  sys::Children children;
  for (int i = 0; i < kProcesses; ++i)
    children.start([&, i] {
      children.wait_for_gate();
      auto catalog = open_catalog(root);
      if (!catalog) return 3;
      const auto claim =
          catalog->claim(kWeb, SessionId::parse("s" + std::to_string(i)).value(), claimer);
      if (!claim) return claim.error().code() == ErrorCode::kBusy ? 1 : 3;
      return *claim ? 0 : 2;
    });
  children.open_gate();
  const std::vector<int> codes = children.wait_for_all();
  return {.won = std::ranges::count(codes, 0), .busy = std::ranges::count(codes, 1)};
}

TEST_F(ClaimsTest, OfEightProcessesOneWins) {
  for (int round = 0; round < 5; ++round) {
    const Race race = race_for_claim(directory_.path());
    EXPECT_EQ(race.won, 1);
    EXPECT_EQ(race.busy, kProcesses - 1);
    change_database("UPDATE continuations SET session = ''");
  }
}

TEST_F(ClaimsTest, OfEightProcessesOneTakesOver) {
  claim_and_die(kSession);
  const Race race = race_for_claim(directory_.path());
  EXPECT_EQ(race.won, 1);
  EXPECT_EQ(race.busy, kProcesses - 1);
  EXPECT_EQ(attempts(), 1);
}

TEST_F(ClaimsTest, AClaimNeedsASession) {
  EXPECT_EQ(catalog_.claim(kWeb, SessionId(), myself()).error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(catalog_.consume_claim(kWeb, SessionId()).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(catalog_.release_claim(kWeb, SessionId()).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(attempts(), 0);
}

TEST_F(ClaimsTest, CheckpointBeingRestoredIsNotRemoved) {
  ASSERT_TRUE(catalog_.claim(kWeb, kSession, myself()));
  EXPECT_EQ(catalog_.remove_checkpoint(kFirst).error().code(), ErrorCode::kBusy);
  EXPECT_TRUE(catalog_.find_checkpoint("first"));
  ASSERT_TRUE(catalog_.release_claim(kWeb, kSession));
  EXPECT_TRUE(catalog_.remove_checkpoint(kFirst));
}

TEST_F(ClaimsTest, CheckpointOfADeadRestoreIsRemoved) {
  claim_and_die(kSession);
  EXPECT_TRUE(catalog_.remove_checkpoint(kFirst));
  EXPECT_FALSE(catalog_.continuation(kWeb).value());
}

TEST_F(ClaimsTest, SetContinuation) {
  const ContainerKey clone("clone");
  ASSERT_TRUE(catalog_.set_continuation(clone, kFirst));
  EXPECT_EQ(catalog_.continuation(clone).value()->checkpoint, kFirst);
  EXPECT_EQ(catalog_.continuation(kWeb).value()->checkpoint, kFirst);
  ASSERT_TRUE(catalog_.claim(clone, kSession, myself()));
  EXPECT_EQ(catalog_.set_continuation(clone, kFirst).error().code(), ErrorCode::kBusy);
  ASSERT_TRUE(catalog_.consume_claim(clone, kSession));
  EXPECT_TRUE(catalog_.set_continuation(clone, kFirst));
}

TEST_F(ClaimsTest, SetContinuationNeedsTheCheckpoint) {
  const auto set = catalog_.set_continuation(kWeb, CheckpointId("none"));
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(catalog_.continuation(kWeb).value()->checkpoint, kFirst) << "the old one must stand";
}

// "There is no such checkpoint" would be believed.
TEST_F(ClaimsTest, ADatabaseThatFailsIsNotTakenForACheckpointThatIsMissing) {
  change_database(
      "CREATE TRIGGER broken BEFORE INSERT ON continuations BEGIN INSERT INTO none VALUES (1); "
      "END");
  const auto set = catalog_.set_continuation(ContainerKey("clone"), kFirst);
  ASSERT_FALSE(set);
  EXPECT_NE(set.error().code(), ErrorCode::kNotFound) << set.error().message();
}

TEST_F(ClaimsTest, AStartWithNothingToClaimWaitsForNoWriter) {
  sqlite3* writer = nullptr;
  ASSERT_EQ(sqlite3_open((directory_.path() / "catalog.db").c_str(), &writer), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(writer, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto claim = catalog_.claim(ContainerKey("db"), kSession, myself());
  EXPECT_TRUE(claim && !*claim);
  sqlite3_close(writer);
}

TEST_F(ClaimsTest, DropContinuation) {
  ASSERT_TRUE(catalog_.drop_continuation(kWeb));
  EXPECT_FALSE(catalog_.continuation(kWeb).value());
  EXPECT_TRUE(catalog_.find_checkpoint("first"));
  EXPECT_TRUE(catalog_.drop_continuation(kWeb)) << "dropping twice is success";
}

}  // namespace
}  // namespace reprise::catalog
