// SPDX-License-Identifier: Apache-2.0
#include "runtime/continuation.h"

#include "base/clock.h"
#include "host/continuation_note.h"
#include "store/open_catalog.h"

namespace reprise::runtime {

using base::Error;
using base::ErrorCode;
using base::Result;
using host::ContinuationNote;
using State = ContinuationNote::State;

namespace {

Result<void> heed_dropped(const Creation& creation, const ContinuationNote& note,
                          catalog::Catalog& catalog) {
  const auto continuation = REPRISE_PASS(catalog.continuation(creation.key()));
  if (continuation) {
    const auto row = REPRISE_PASS(catalog.find_checkpoint(continuation->checkpoint.str()));
    if (row.created <= note.time) REPRISE_PASS(catalog.drop_continuation(creation.key()));
  }
  return host::remove_note(creation.bundle);
}

Result<void> heed_pending(const Call& call, const ContinuationNote& note,
                          catalog::Catalog& catalog) {
  const auto session = catalog.find_session(note.session.str());
  if (!session && session.error().code() == ErrorCode::kNotFound)
    return std::unexpected(
        Error(ErrorCode::kNotFound, "the store '" + call.layout.store.string() +
                                        "' does not know checkpoint '" + note.checkpoint.str() +
                                        "', which the container is to go on from")
            .with_hint("it was taken into '" + note.store.string() +
                       "': mount that disk, or bring that store back"));
  if (REPRISE_PASS(session).status != catalog::SessionStatus::kRunning) return {};
  // The host went down between the seal and its row, or before the seal.
  recover(call);
  if (REPRISE_PASS(catalog.find_session(note.session.str())).status !=
      catalog::SessionStatus::kRunning)
    return {};
  return std::unexpected(
      Error(ErrorCode::kBusy, "whether checkpoint '" + note.checkpoint.str() +
                                  "' was completed is not known: session '" + note.session.str() +
                                  "' could not be settled")
          .with_hint("try again, or see 'reprise logs " + note.session.str() +
                     "'; to begin anew without the checkpoint: reprise start --cold"));
}

}  // namespace

Result<std::optional<catalog::Catalog>> open_catalog(const Call& call, const Creation& creation) {
  const auto note = REPRISE_PASS(host::read_note(creation.bundle));
  const auto& root = call.layout.store;
  const Result<bool> there = catalog::Catalog::exists(root);
  if (there && !*there) {
    if (!note || note->state != State::kPending) return std::nullopt;
    return std::unexpected(host::absent_store(*note, root));
  }
  auto catalog = there ? store::open_catalog(call.store) : std::unexpected(there.error());
  if (catalog) return std::move(*catalog);
  // Somebody wanted a cold start, and need not wait for the store.
  if (note && note->state == State::kDropped) return std::nullopt;
  return std::unexpected(std::move(catalog).error());
}

Result<bool> heed_note(const Call& call, const Creation& creation, catalog::Catalog& catalog) {
  const auto note = REPRISE_PASS(host::read_note(creation.bundle));
  if (!note) return false;
  const bool dropped = note->state == State::kDropped;
  if (dropped)
    REPRISE_PASS(heed_dropped(creation, *note, catalog));
  else
    REPRISE_PASS(heed_pending(call, *note, catalog));
  return dropped;
}

Result<void> check_made_whole(const Creation& creation, catalog::Catalog& catalog) {
  const std::string& from = creation.wishes.restored_from;
  if (from.empty() || !REPRISE_PASS(catalog.lives(creation.key())).empty()) return {};
  return std::unexpected(Error(ErrorCode::kGone, "it was to be made from checkpoint '" + from +
                                                     "', and 'reprise restore' was cut off")
                             .with_hint("'reprise restore " + from + "' makes it again"));
}

Result<void> begin_anew(const Creation& creation, catalog::Claims* claims) {
  if (claims != nullptr && claims->drop_continuation(creation.key()))
    return host::remove_note(creation.bundle);
  return host::write_note(creation.bundle,
                          {.state = State::kDropped, .time = base::now_unix_millis()});
}

}  // namespace reprise::runtime
