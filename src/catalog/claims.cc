// SPDX-License-Identifier: Apache-2.0
#include "catalog/claims.h"

#include <optional>

#include "catalog/catalog.h"
#include "catalog/internal/claim_state.h"
#include "catalog/internal/ids.h"
#include "sqlite/statement.h"

namespace reprise::catalog {

using base::CheckpointId;
using base::ContainerKey;
using base::ErrorCode;
using base::fail;
using base::SessionId;

namespace {

constexpr std::string_view kSelectClaims =
    "SELECT key, checkpoint, attempts, session, claimer_pid, claimer_start_ticks, claimer_boot"
    " FROM continuations WHERE ";

Result<ClaimState> claim_state(const sqlite::Statement& s) {
  int column = 0;
  ClaimState claim;
  claim.key = REPRISE_PASS(id_in<ContainerKey>(s, column++));
  claim.checkpoint = REPRISE_PASS(id_in<CheckpointId>(s, column++));
  claim.attempts = static_cast<int>(s.integer(column++));
  claim.session = s.text(column++);
  claim.claimer.pid = static_cast<pid_t>(s.integer(column++));
  claim.claimer.start_ticks = s.natural(column++);
  claim.boot = s.text(column++);
  return claim;
}

Result<std::optional<ClaimState>> claim_of(sqlite3* db, const ContainerKey& key) {
  sqlite::Statement statement = REPRISE_PASS(
      sqlite::Statement::prepare(db, std::string(kSelectClaims) + "key = ?1", key.str()));
  if (!REPRISE_PASS(statement.step())) return std::nullopt;
  return std::optional(REPRISE_PASS(claim_state(statement)));
}

Result<void> refuse_if_held(const ClaimState& claim) {
  if (!REPRISE_PASS(is_held(claim))) return {};
  return fail(ErrorCode::kBusy, "container '" + claim.key.str() +
                                    "' is being restored by session '" + claim.session + "'");
}

std::unexpected<base::Error> not_claimed(const ContainerKey& key, const SessionId& session) {
  return fail(ErrorCode::kNotFound,
              "session '" + session.str() + "' has no claim on container '" + key.str() + "'");
}

}  // namespace

Result<std::vector<ClaimState>> claims_of(sqlite3* db, const CheckpointId& checkpoint) {
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db, std::string(kSelectClaims) + "checkpoint = ?1", checkpoint.str()));
  std::vector<ClaimState> claims;
  while (REPRISE_PASS(statement.step())) claims.push_back(REPRISE_PASS(claim_state(statement)));
  return claims;
}

Result<bool> is_held(const ClaimState& claim) {
  if (claim.session.empty()) return false;
  return claim.boot == REPRISE_PASS(sys::boot_id()) && sys::is_alive(claim.claimer);
}

Result<void> Catalog::set_continuation(const ContainerKey& key, const CheckpointId& checkpoint) {
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  if (const auto claim = REPRISE_PASS(claim_of(db_.get(), key)))
    REPRISE_PASS(refuse_if_held(*claim));
  const Result<int> done = sqlite::execute(
      db_.get(), "INSERT OR REPLACE INTO continuations (key, checkpoint) VALUES (?1, ?2)",
      key.str(), checkpoint.str());
  if (!done && done.error().code() == ErrorCode::kInvalidInput)  // the foreign key
    return fail(ErrorCode::kNotFound, "there is no checkpoint '" + checkpoint.str() + "'");
  REPRISE_PASS(done);
  return transaction.commit();
}

Result<std::optional<Continuation>> Catalog::continuation(const ContainerKey& key) {
  const auto claim = REPRISE_PASS(claim_of(db_.get(), key));
  if (!claim) return std::nullopt;
  return Continuation{
      .key = claim->key, .checkpoint = claim->checkpoint, .attempts = claim->attempts};
}

Result<std::vector<ContainerKey>> Catalog::continued_by(const CheckpointId& checkpoint) {
  std::vector<ContainerKey> keys;
  for (const ClaimState& one : REPRISE_PASS(claims_of(db_.get(), checkpoint)))
    keys.push_back(one.key);
  return keys;
}

Result<std::optional<Continuation>> Catalog::claim(const ContainerKey& key,
                                                   const SessionId& session,
                                                   const sys::ProcessRef& claimer) {
  if (session.empty()) return fail(ErrorCode::kInvalidInput, "a claim needs a session");
  // Most containers have no continuation; those starts must not wait for a writer.
  if (!REPRISE_PASS(claim_of(db_.get(), key))) return std::nullopt;

  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  const auto claim = REPRISE_PASS(claim_of(db_.get(), key));
  if (!claim) return std::nullopt;
  REPRISE_PASS(refuse_if_held(*claim));
  const std::string boot = REPRISE_PASS(sys::boot_id());
  const int attempts = claim->attempts + (claim->session.empty() ? 0 : 1);
  REPRISE_PASS(
      sqlite::execute(db_.get(),
                      "UPDATE continuations SET attempts = ?2, session = ?3, claimer_pid = ?4,"
                      " claimer_start_ticks = ?5, claimer_boot = ?6 WHERE key = ?1",
                      key.str(), attempts, session.str(), claimer.pid, claimer.start_ticks, boot));
  REPRISE_PASS(transaction.commit());
  return Continuation{.key = claim->key, .checkpoint = claim->checkpoint, .attempts = attempts};
}

Result<void> Catalog::consume_claim(const ContainerKey& key, const SessionId& session) {
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  const int rows = REPRISE_PASS(sqlite::execute(
      db_.get(), "DELETE FROM continuations WHERE key = ?1 AND session = ?2 AND session <> ''",
      key.str(), session.str()));
  if (rows == 0) return not_claimed(key, session);
  REPRISE_PASS(sqlite::execute(
      db_.get(), "INSERT OR REPLACE INTO consumed_claims (session, key) VALUES (?1, ?2)",
      session.str(), key.str()));
  return transaction.commit();
}

Result<void> Catalog::release_claim(const ContainerKey& key, const SessionId& session) {
  const int rows = REPRISE_PASS(sqlite::execute(
      db_.get(),
      "UPDATE continuations SET attempts = attempts + 1, session = '', claimer_pid = 0,"
      " claimer_start_ticks = 0, claimer_boot = ''"
      " WHERE key = ?1 AND session = ?2 AND session <> ''",
      key.str(), session.str()));
  if (rows == 0) return not_claimed(key, session);
  return {};
}

Result<ClaimFate> Catalog::fate_of_claim(const ContainerKey& key, const SessionId& session) {
  // In this order: it may be consumed meanwhile.
  const auto claim = REPRISE_PASS(claim_of(db_.get(), key));
  if (claim && !claim->session.empty() && claim->session == session.str()) return ClaimFate::kHeld;
  sqlite::Statement consumed = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(), "SELECT 1 FROM consumed_claims WHERE session = ?1 AND key = ?2", session.str(),
      key.str()));
  return REPRISE_PASS(consumed.step()) ? ClaimFate::kConsumed : ClaimFate::kGivenBack;
}

Result<void> Catalog::drop_continuation(const ContainerKey& key) {
  REPRISE_PASS(sqlite::execute(db_.get(), "DELETE FROM continuations WHERE key = ?1", key.str()));
  return {};
}

}  // namespace reprise::catalog
